"""ftorch beside every way to spread a batch that people use today, at 0 µs to 10 ms of work an item.

Items a second of the work itself, with everything up and warm; a job's results are on disk at the end, those of the
peers and of `orchestrator.run`, which is ftorch in a program, in a list. Efficiency is the work, as a bare loop does it
in the same round, over CPUs x wall. A peer runs with its own defaults and, where it has chunks, with the number of them
that was best ("tuned"). Peers that are no dependencies of ours come from `benchmarks.peerenv`.
"""

import json
import statistics
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.commands import peer
from benchmarks.dispatch import WORKERS, Level, ftorch
from benchmarks.measure import (
    Benchmark,
    Contestant,
    Options,
    Results,
    Sample,
    best_of,
    column,
    interleave,
    ratios,
    run_benchmark,
)
from benchmarks.peerenv import Peers, peers
from benchmarks.peers import MOST
from benchmarks.servers import redis_missing

GRAINS = {"0us": 0.0, "10us": 10e-6, "100us": 100e-6, "1ms": 1e-3, "10ms": 10e-3}
SHARES = (4, 32)
"""How many chunks a worker gets, where a peer is tuned."""
SECONDS = 0.6
OWN = 1e-7
"""About what an item costs ftorch, in seconds: only to choose how many items it gets."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What ftorch is compared to.

    Attributes:
        label: its name for readers.
        package: what it needs; None for the standard library.
        chunks: whether it has chunks to be tuned.
        processes: whether it is a pool of processes.
        redis: whether it needs a Redis.
    """

    label: str
    package: str | None = None
    chunks: bool = False
    processes: bool = False
    redis: bool = False


PEERS = {
    "threads": Peer("ThreadPoolExecutor.map"),
    "interpreters": Peer("InterpreterPoolExecutor.map"),
    "processes": Peer("ProcessPoolExecutor.map", None, chunks=True, processes=True),
    "mp-map": Peer("mp.Pool.map", None, chunks=True, processes=True),
    "mp-imap": Peer("mp.Pool.imap_unordered", None, chunks=True, processes=True),
    "joblib-loky": Peer("joblib, loky", "joblib", chunks=True, processes=True),
    "joblib-threading": Peer("joblib, threading", "joblib", chunks=True),
    "mpire": Peer("mpire", "mpire", chunks=True, processes=True),
    "dask-threads": Peer("Dask bag, threads", "dask", chunks=True),
    "dask-distributed": Peer("Dask distributed", "distributed", chunks=True),
    "hyperqueue": Peer("HyperQueue, a process an item", "hyperqueue", chunks=True),
    "rq": Peer("RQ", "rq", redis=True),
    "rq-simple": Peer("RQ, SimpleWorker", "rq", redis=True),
    "celery": Peer("Celery", "celery", chunks=True, redis=True),
}


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("fleet", 3, measure, arguments=_arguments), arguments)


def _arguments(parser: ArgumentParser) -> None:
    known = (*GRAINS, *PEERS)
    parser.add_argument("--only", nargs="+", choices=known, metavar="WORD", help=f"of {', '.join(known)}")
    parser.add_argument("--gil-python", help="a GIL-built Python 3.14 for peers that the free-threaded one refuses")


def measure(options: Options, results: Results) -> None:
    """Every grain, one after the other; within a grain the contestants take turns."""
    only = options.asked.only or ()
    found = peers(make=not options.quick, gil_python=options.asked.gil_python)
    results.notes.extend(found.notes)
    names = [name for name in PEERS if name in only or not set(only) & set(PEERS)]
    refusals = {name: why for name in names if (why := _refused(PEERS[name], found))}
    results.notes.extend(f"{PEERS[name].label} was left out: {why}" for name, why in refusals.items())
    results.notes.append(
        "HyperQueue's items are processes: each starts a Python; tuned, a process takes a chunk of items"
    )
    grains = [grain for grain in GRAINS if grain in only] or (["10us"] if options.quick else list(GRAINS))
    for grain in grains:
        field = Field(grain, _steps(GRAINS[grain]), [name for name in names if name not in refusals], found, options)
        results.settings[grain] = {"steps": field.steps, "shares": SHARES, "workers": WORKERS}
        samples = interleave(field.contestants(), options.rounds)
        results.samples |= {f"{grain}: {name}": told for name, told in samples.items()}
        _tell(field, samples, results)


@dataclass(frozen=True, slots=True)
class Field:
    """Who runs at a grain, and how.

    Attributes:
        steps: of the loop in an item.
        names: the peers.
        found: where they are.
    """

    grain: str
    steps: int
    names: Sequence[str]
    found: Peers
    options: Options

    @property
    def seconds(self) -> float:
        """How long a peer is measured."""
        return 0.02 if self.options.quick else SECONDS

    def contestants(self) -> list[Contestant]:
        """The loops, ftorch, and the peers."""
        loops = [Contestant(name, partial(self._peer, name)) for name in ("loop", "loops")]
        items = max(100, round(2 * self.seconds * WORKERS / (GRAINS[self.grain] + OWN)))
        level = Level(self.grain, self.steps, items, 0, 0, jsonl=True)
        ours = Contestant("ftorch", partial(ftorch, level, WORKERS, self.options))
        run = Contestant("run", partial(peer, "apipeers", f"run, {WORKERS} threads", self.steps, min(items, MOST)))
        return [*loops, ours, run, *(Contestant(name, partial(self._peer, name)) for name in self.names)]

    def _peer(self, name: str) -> Sample:
        known = PEERS.get(name, Peer(name))
        words: list[object] = [name, self.steps, 4, "--workers", WORKERS, "--seconds", self.seconds]
        words += ["--shares", *SHARES] if known.chunks else []
        python = self.found.pythons.get(known.package or "", sys.executable)
        return peer(
            "peers", *words, python=python, environment={"BENCHMARK_HYPERQUEUE": json.dumps(self.found.hyperqueue)}
        )


def _refused(known: Peer, found: Peers) -> str | None:
    if known.redis and (missing := redis_missing()):
        return missing
    return None if known.package is None else found.refused.get(known.package)


def _steps(seconds: float) -> int:
    """How many steps of the loop take so long on this machine."""
    steps = round(seconds / 50e-9)
    for _ in range(2 if steps else 0):
        told = peer("peers", "loop", steps, 1, "--seconds", 0.2)
        steps = max(1, round(steps * seconds * told["items"] / told["seconds"]))
    return steps


def _tell(field: Field, samples: Mapping[str, list[Sample]], results: Results) -> None:
    grain = field.grain.replace("us", " µs").replace("ms", " ms")
    loop = _rates(samples, "loop")
    shown = {"bare loop": loop, f"bare loops, {WORKERS} threads": _rates(samples, "loops")}
    shown["ftorch"] = ours = _rates(samples, "ftorch")
    shown["ftorch, run() in a program"] = run = _rates(samples, "run")
    plain = {name: _rates(samples, name) for name in field.names}
    for name, rates in plain.items():
        shown[PEERS[name].label] = rates
        if PEERS[name].chunks:
            tuned = [_rates(samples, name, f"/{share}") for share in SHARES]
            shown[f"{PEERS[name].label}, tuned"] = max(tuned, key=statistics.median)
    for label, rates in shown.items():
        results.add(f"{grain}: {label}", "items/s", rates)
        if field.steps:
            efficiency = [100 * rate / WORKERS for rate in ratios(rates, loop)]
            results.add(f"{grain}: {label}: efficiency", "%", efficiency)
        if "ftorch" not in label and "bare" not in label:
            results.add(f"{grain}: ftorch over {label}", "x", ratios(ours, rates), ">= 1")
            results.add(f"{grain}: ftorch, run(), over {label}", "x", ratios(run, rates), ">= 1")
    pools = {PEERS[name].label: [1 / rate for rate in rates] for name, rates in plain.items() if PEERS[name].processes}
    if field.grain == "10us" and pools:
        best = best_of(pools)
        over = [rate * seconds for rate, seconds in zip(ours, pools[best], strict=True)]
        results.add(f"{grain}: ftorch over the best process pool with its own defaults, {best}", "x", over, ">= 10")


def _rates(samples: Mapping[str, list[Sample]], name: str, suffix: str = "") -> list[float]:
    """Items a second, round by round."""
    found = dict(samples)
    return ratios(column(found, name, "items" + suffix), column(found, name, "seconds" + suffix))


if __name__ == "__main__":
    main(sys.argv[1:])
