"""`ftorch audit` with the task run on a sample: how long it takes, and how often it shows a race or blames in vain.

The jobs are shipped ones, pure Python, on their small input. The programs are those of `tests/audit/programs`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.commands import ROOT, timed
from benchmarks.measure import Benchmark, Contestant, Options, Results, Sample, column, interleave, run_benchmark
from orchestrator.audit.races.running import run_races
from orchestrator.spec.load import load_job_text

JOBS = ("sums", "wordcount", "hashing", "textnorm")
PROGRAMS = ROOT / "tests" / "audit" / "programs"
TRIES = {"racy": 10, "correct": 5}
LIMIT = 1.0
"""Seconds that the audit of a pure-Python job may take."""


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("audit_probe", 5, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """The jobs take turns; then each program is tried some times."""
    jobs = JOBS[:1] if options.quick else JOBS
    contestants = [Contestant(name, partial(_audit, _prepared(name, options.scratch))) for name in jobs]
    results.samples = interleave(contestants, options.rounds)
    for name in jobs:
        results.add(f"ftorch audit, {name}", "s", column(results.samples, name, "seconds"), f"<= {LIMIT}")
    for kind, most in TRIES.items():
        tries = 1 if options.quick else most
        shares = [100 * found / tries for found in _found(kind, tries, options)]
        if kind == "racy":
            results.add(f"tries that show a program's race, of {tries}", "%", shares, ">= 90")
            results.add("the program that is shown least often", "%", [min(shares)], ">= 90")
        else:
            results.add(f"tries that blame a correct program, of {tries}", "%", [max(shares)], "<= 0")
        results.settings[f"{kind} programs"] = len(shares)


def _prepared(name: str, scratch: Path) -> Path:
    folder = Path(shutil.copytree(ROOT / "jobs" / name, scratch / name, ignore=shutil.ignore_patterns("data", "out")))
    if (folder / "make_input.py").exists():
        command: list[str | Path] = [sys.executable, folder / "make_input.py", "--size", "small"]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return folder / "job.yaml"


def _audit(job: Path) -> Sample:
    done = timed([sys.executable, "-m", "orchestrator", "audit", job, "--json"])
    probe = json.loads(done.output)["probe"]
    return {"seconds": done.seconds, "items": probe["items"], "rounds": probe["rounds"], "probe": probe["seconds"]}


def _found(kind: str, tries: int, options: Options) -> Iterator[int]:
    """How many of the tries find something, program by program."""
    # What they put into the folder for temporary files goes with the scratch folder.
    os.environ["TMPDIR"] = os.fspath(options.scratch)
    for path in sorted((PROGRAMS / kind).glob("*.py"))[: 2 if options.quick else None]:
        text = path.read_text(encoding="utf-8")
        if kind == "racy" and "\n# probe: yes\n" not in text:
            continue
        job = {"task": f"./{path.name}:f", "input": {"range": {"stop": 16}}, "output": {"path": "out.jsonl"}}
        # A parameter without a default is what the job's `with:` gives.
        job |= {"with": {"factor": 3}} if "factor" in text.partition("@task")[2] else {}
        spec = load_job_text(json.dumps(job))
        yield sum(bool(run_races(spec, path.parent).findings) for _ in range(tries))


if __name__ == "__main__":
    main(sys.argv[1:])
