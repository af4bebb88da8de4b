"""What one bad item does to a batch: ours, and the pools that people use today, each given the same four faults.

Every contestant runs as a command of its own, with a watchdog: what has not ended by then hangs. Lost are the results
of good items that had not arrived by the end.
"""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchmarks.commands import JOBS, ROOT, Submission
from benchmarks.faultyitem import FAULTS
from benchmarks.measure import Benchmark, Contestant, Options, Results, Sample, column, interleave, run_benchmark
from benchmarks.peerenv import peers

NAMES = {
    "ftorch": "ftorch",
    "mp-imap": "mp.Pool.imap_unordered",
    "processes": "ProcessPoolExecutor.map",
    "joblib": "joblib, loky",
    "hyperqueue": "HyperQueue, a process an item",
}
PROCESSES = 200
"""How many items HyperQueue gets, where others get 20,000: each starts a Python."""
# Outcomes are numbers in the samples; these are their words.
SURVIVED, LOST, FAILED, HUNG = range(4)
WORDS = ("survived", "lost good items", "failed the batch", "hung")


@dataclass(frozen=True, slots=True)
class Bad:
    """A batch with one bad item.

    Attributes:
        fault: what it does.
        items: how many items there are.
        watchdog: seconds until what has not ended is said to hang.
    """

    fault: str
    items: int
    watchdog: float

    @property
    def number(self) -> int:
        """Which item is the bad one."""
        return self.items // 2


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("faults", 3, measure, timed=False), arguments)


def measure(options: Options, results: Results) -> None:
    """Every fault, one after the other; the contestants take turns."""
    names = [name for name in NAMES if name != "joblib" or importlib.util.find_spec("joblib")]
    if "joblib" not in names:
        results.notes.append("joblib/loky is not installed here, so it was left out")
    found = peers(make=not options.quick)
    if found.hyperqueue is None:
        names.remove("hyperqueue")
        results.notes.append(f"HyperQueue was left out: {found.refused['hyperqueue']}")
    else:
        os.environ["BENCHMARK_HYPERQUEUE"] = json.dumps(found.hyperqueue)
    results.notes.append(f"HyperQueue's items are processes: it has {PROCESSES:,} of them, and its default crash limit")
    results.notes.append("two workers; all of them run on the same free-threaded Python; timeout.item is 1 s")
    for fault in list(FAULTS)[:1] if options.quick else FAULTS:
        bad = Bad(fault, 200, 10.0) if options.quick else Bad(fault, 20_000, 15.0)
        contestants = [Contestant(name, partial(_run, name, bad, options)) for name in names]
        samples = interleave(contestants, options.rounds)
        results.samples |= {f"{fault}: {name}": found for name, found in samples.items()}
        results.settings[fault] = {"items": bad.items, "watchdog": bad.watchdog}
        for name in names:
            _tell(fault, name, results)


def _tell(fault: str, name: str, results: Results) -> None:
    samples, key = results.samples, f"{fault}: {name}"
    outcomes = sorted({int(outcome) for outcome in column(samples, key, "outcome")})
    words = " or ".join(WORDS[outcome] for outcome in outcomes)
    lost = column(samples, key, "lost")
    target = "<= 0" if name == "ftorch" else None
    results.add(f"{fault}: {NAMES[name]}: {words}; good items lost", "items", lost, target)
    results.add(f"{fault}: {NAMES[name]}: until its end, or the watchdog's", "s", column(samples, key, "seconds"))


def _run(name: str, bad: Bad, options: Options) -> Sample:
    """Run a contestant once: the outcome, the good items lost, the seconds."""
    out = options.scratch / "results"
    out.unlink(missing_ok=True)
    run = options.scratch / f"run-{time.monotonic_ns()}"
    if name == "hyperqueue":
        bad = replace(bad, items=min(bad.items, PROCESSES))
    if name == "ftorch":
        sets = {"with.fault": bad.fault, "with.bad": bad.number, "input.range.stop": bad.items}
        sets |= {"output.path": os.fspath(out), "output.format": "jsonl"}
        command = Submission(JOBS / "faults.yaml", options.scratch, 2, sets).command(run)
    else:
        words = [name, bad.fault, bad.items, bad.number, out]
        command = [sys.executable, "-m", "benchmarks.faultpeers", *map(str, words)]
    began = time.perf_counter()
    code = _watched(command, bad.watchdog)
    seconds = time.perf_counter() - began
    lost = bad.items - 1 - len(_arrived(out) - {bad.number})
    outcome = HUNG if code is None else FAILED if code else LOST if lost else SURVIVED
    return {"outcome": outcome, "lost": lost, "seconds": seconds}


def _watched(command: Sequence[str], seconds: float) -> int | None:
    """Run a command with all its processes; its exit code, or None if it had to be ended."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # What is left of its session, a pool's workers among them.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _arrived(out: Path) -> set[int]:
    """The results that were written."""
    lines = out.read_text(encoding="ascii").splitlines() if out.exists() else []
    return {json.loads(line)["result"] if line.startswith("{") else int(line) for line in lines}


if __name__ == "__main__":
    main(sys.argv[1:])
