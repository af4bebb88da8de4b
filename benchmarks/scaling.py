"""What a second thread adds, as a share of what the machine has: two separate single-threaded processes, side by side.

The shared processors of a virtual machine do not always give two CPUs' worth of work, so a thread is measured against
what two processes that share nothing reach in the same minute: two `ftorch submit --threads 1`, and two plain loops.
Rates are items a second of the work itself (node report); those of a pair are added.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.commands import ROOT, Started, Submission, Submitting, submit
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

ITEMS, WORK = 12_000, 10_000
DOCUMENTS = 400


@dataclass(frozen=True, slots=True)
class Case:
    """A job, and the plain loop that does the same.

    Attributes:
        job: the job file.
        sets: what is set in it.
        loop: arguments of `plainloop`.
    """

    name: str
    job: Path
    sets: Mapping[str, object]
    loop: Sequence[str]


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("scaling", 7, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Both jobs, one after the other."""
    for case in (_sums(options), _textnorm(options)):
        contestants = [
            Contestant("1 thread", partial(_threads, case, 1, options)),
            Contestant("2 threads", partial(_threads, case, 2, options)),
            Contestant("2 processes", partial(_pair, case, options)),
            Contestant("1 plain loop", partial(_loops, case, 1)),
            Contestant("2 plain loops", partial(_loops, case, 2)),
        ]
        samples = interleave(contestants, options.rounds)
        results.samples |= {f"{case.name}: {name}": found for name, found in samples.items()}
        rates = {name: column(samples, name, "rate") for name in samples}
        for name, rate in rates.items():
            results.add(f"{case.name}: {name}", "items/s", rate)
        two = rates["2 threads"]
        results.add(f"{case.name}: 2 threads over 1", "x", ratios(two, rates["1 thread"]))
        results.add(f"{case.name}: 2 processes over 1", "x", ratios(rates["2 processes"], rates["1 thread"]))
        results.add(f"{case.name}: 2 threads over 2 processes", "x", ratios(two, rates["2 processes"]), ">= 0.95")
        results.add(f"{case.name}: 2 threads over 2 plain loops", "x", ratios(two, rates["2 plain loops"]), ">= 0.95")


def _sums(options: Options) -> Case:
    items, work = (200, 1_000) if options.quick else (ITEMS, WORK)
    sets = {"input.range.stop": items, "with.work": work}
    return Case("sums", ROOT / "jobs" / "sums" / "job.yaml", sets, ["sums", str(items), str(work)])


def _textnorm(options: Options) -> Case:
    """A copy of the job, so that its input is made in the scratch folder: this Python's standard library."""
    folder = options.scratch / "textnorm"
    shutil.copytree(ROOT / "jobs" / "textnorm", folder, ignore=shutil.ignore_patterns("data", "out", ".ftorch"))
    size = "small" if options.quick else "full"
    script = [sys.executable, os.fspath(folder / "make_input.py"), "--size", size]
    subprocess.run(script, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": os.fspath(ROOT)})
    documents = folder / "data" / "documents"
    made = sorted(documents.rglob("*.txt"))
    step = max(1, len(made) // (10 if options.quick else DOCUMENTS))
    for path in set(made) - set(made[::step]):
        path.unlink()
    return Case("textnorm", folder / "job.yaml", {}, ["textnorm", os.fspath(documents)])


def _submission(case: Case, threads: int, out: Path) -> Submission:
    return Submission(case.job, out.parent, threads, {**case.sets, "output.path": out})


def _threads(case: Case, threads: int, options: Options) -> Sample:
    ended = submit(_submission(case, threads, options.scratch / "out.jsonl"))
    node = ended.node
    return {
        "rate": node.items / node.wall_seconds,
        "seconds": node.wall_seconds,
        "whole": ended.seconds,
        "busy": sum(lane.busy for lane in node.lanes) / threads,
    }


def _pair(case: Case, options: Options) -> Sample:
    started = [Submitting(_submission(case, 1, options.scratch / f"out-{one}.jsonl")) for one in (1, 2)]
    nodes = [each.wait().node for each in started]
    return {
        "rate": sum(node.items / node.wall_seconds for node in nodes),
        "seconds": max(node.wall_seconds for node in nodes),
    }


def _loops(case: Case, processes: int) -> Sample:
    command = [sys.executable, "-m", "benchmarks.plainloop", *case.loop]
    started = [Started(command) for _ in range(processes)]
    told = [json.loads(each.wait().output) for each in started]
    return {
        "rate": sum(each["items"] / each["seconds"] for each in told),
        "seconds": max(each["seconds"] for each in told),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
