"""How long a command takes from its start to its end when there is next to nothing to do; and what commands import."""

import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.commands import JOBS, ROOT, Submission, submit, timed
from benchmarks.measure import (
    Benchmark,
    Contestant,
    Options,
    Results,
    Sample,
    column,
    interleave,
    ratios,
    run_benchmark,
)

FTORCH = [sys.executable, "-m", "orchestrator"]
HEAVY = ("kubernetes", "numpy", "obstore", "pandas", "plotly", "pyarrow", "redis")
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    'python -c "import numpy, yaml"': [sys.executable, "-c", "import numpy, yaml"],
    "ftorch --version": [*FTORCH, "--version"],
    "ftorch --help": [*FTORCH, "--help"],
    "ftorch plan": [*FTORCH, "plan", os.fspath(JOBS / "range.yaml")],
}
SUBMIT = "ftorch submit, one item"
POOL = "mp.Pool(2).map, one item"


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("startup", 15, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """The commands take turns; then each is looked at for what it imports."""
    contestants = [Contestant(name, partial(_timed, command)) for name, command in COMMANDS.items()]
    contestants.append(Contestant(SUBMIT, partial(_submit, options.scratch)))
    contestants.append(
        Contestant(POOL, partial(_timed, [sys.executable, "-m", "benchmarks.peers", "mp-map", "0", "1"]))
    )
    results.samples = samples = interleave(contestants, options.rounds)
    for contestant in contestants:
        results.add(contestant.name, "s", column(samples, contestant.name, "seconds"))
    own = column(samples, SUBMIT, "seconds")
    for name in list(COMMANDS)[:2]:
        results.add(f"{SUBMIT}, over {name}", "x", ratios(own, column(samples, name, "seconds")))
    imported = heavy_imports(options.scratch)
    results.settings["heavy imports"] = imported
    for command, names in imported.items():
        results.notes.append(f"{command} imports {', '.join(names)}")
    results.add(
        "commands that import the cluster client", "commands", [sum("kubernetes" in n for n in imported.values())]
    )


def heavy_imports(scratch: Path) -> dict[str, list[str]]:
    """Which heavy packages a command imports, in any of its processes; commands that import none are left out."""
    from orchestrator.cli.main import COMMANDS as NAMES

    run, found = scratch / "run", {}
    one_item: list[str | Path] = ["submit", JOBS / "range.yaml", "--set", "input.range.stop=1", "--run", run, "--quiet"]
    lines: dict[str, list[str | Path]] = {"submit": one_item, "--help": ["--help"]}
    lines |= {name: [name, run] for name in ("status", "collect", "report")}
    lines |= {"plan": ["plan", JOBS / "range.yaml"], "runs": ["runs", scratch], "init": ["init", scratch / "made"]}
    lines |= {"schema": ["schema"], "doctor": ["doctor"]}
    lines |= {name: [name, "--help"] for name in NAMES if name not in lines}
    for name, words in lines.items():
        names = spied([*FTORCH, *words], scratch)
        if names:
            found[f"ftorch {name}"] = names
    return found


def spied(command: Sequence[str | Path], scratch: Path) -> list[str]:
    """Run a command with decoys ahead of the heavy packages, installed or not; the names of those that were touched."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        log = Path(folder) / "imported"
        for name in HEAVY:
            decoy = f"open({os.fspath(log)!r}, 'a').write({name + chr(10)!r})\nraise ModuleNotFoundError({name!r})\n"
            (Path(folder) / f"{name}.py").write_text(decoy, encoding="utf-8")
        timed(command, cwd=scratch, environment={"PYTHONPATH": os.pathsep.join((folder, os.fspath(ROOT)))})
        return sorted(set(log.read_text(encoding="utf-8").split())) if log.exists() else []


def _timed(command: Sequence[str]) -> Sample:
    return {"seconds": timed(command).seconds}


def _submit(scratch: Path) -> Sample:
    out = scratch / "one.jsonl"
    ended = submit(
        Submission(JOBS / "range.yaml", scratch, sets={"input.range.stop": 1, "output": {"path": os.fspath(out)}})
    )
    out.unlink()
    return {"seconds": ended.seconds, "node": ended.node.wall_seconds}


if __name__ == "__main__":
    main(sys.argv[1:])
