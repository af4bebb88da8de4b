"""Free-threaded 3.15 beside 3.14, in turns: dispatch of items that do nothing, plain arithmetic, and textnorm.

Both interpreters are those of `make setup PYTHON=…`, built alike; rates are items a second of the work itself (node
report), on two threads. A ratio over 1 means that 3.15 is faster.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.commands import JOBS, ROOT, timed
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

NEW = ROOT / ".venv-3.15t" / "bin" / "python"
THREADS = 2

_serial = count()


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("versions", 7, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Each job, under one and the other in turns."""
    pythons = {"3.14t": Path(sys.executable), "3.15t": NEW}
    if sys.version_info >= (3, 15) or not NEW.exists():
        sys.exit("needs to be run by 3.14t, with `make setup PYTHON=3.15t` done")
    for name, (job, sets) in _jobs(options).items():
        contestants = [
            Contestant(version, partial(_run, python, job, sets, options)) for version, python in pythons.items()
        ]
        samples = interleave(contestants, options.rounds)
        results.samples |= {f"{name}: {version}": found for version, found in samples.items()}
        rates = {version: column(samples, version, "rate") for version in pythons}
        for version, rate in rates.items():
            results.add(f"{name}: {version}", "items/s", rate)
        results.add(f"{name}: 3.15t over 3.14t", "x", ratios(rates["3.15t"], rates["3.14t"]))


def _jobs(options: Options) -> dict[str, tuple[Path, Mapping[str, object]]]:
    quick = options.quick
    return {
        "dispatch": (
            JOBS / "range.yaml",
            {"input.range.stop": 20_000 if quick else 10_000_000, "output.format": "none"},
        ),
        "sums": (ROOT / "jobs" / "sums" / "job.yaml", {"input.range.stop": 200 if quick else 12_000}),
        "textnorm": (_textnorm(options), {}),
    }


def _textnorm(options: Options) -> Path:
    """A copy of the job, so that its input is made in the scratch folder."""
    folder = options.scratch / "textnorm"
    shutil.copytree(ROOT / "jobs" / "textnorm", folder, ignore=shutil.ignore_patterns("data", "out", ".ftorch"))
    script = [sys.executable, os.fspath(folder / "make_input.py"), "--size", "small"]
    subprocess.run(script, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.fspath(ROOT)})
    return folder / "job.yaml"


def _run(python: Path, job: Path, sets: Mapping[str, object], options: Options) -> Sample:
    run, out = options.scratch / f"run-{next(_serial)}", options.scratch / "out.jsonl"
    words: list[str | Path] = [
        python,
        "-m",
        "orchestrator",
        "submit",
        job,
        "--run",
        run,
        "--threads",
        str(THREADS),
        "--json",
    ]
    for name, value in ({"output.path": out} | dict(sets)).items():
        if name != "output.path" or "output.format" not in sets:
            words += ["--set", f"{name}={value}"]
    ended = timed(words)
    shutil.rmtree(run)
    [node] = json.loads(ended.output)["nodes"]
    assert not node["failed"], "items failed"
    return {"rate": node["items"] / node["wall_seconds"], "seconds": node["wall_seconds"]}


if __name__ == "__main__":
    main(sys.argv[1:])
