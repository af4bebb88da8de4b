"""Objects of a bucket as input: hashing 10,000 of 100 kB from loopback, beside fetching them only, hashing only, and
both by hand; and listing and planning a million.

The servers run on the same CPUs. Our own (`benchmarks.bucketserver`) is the lightest: where it answers at once,
fetching alone keeps two CPUs busy, so that hashing cannot hide behind it, and what can be reached is what both take by
hand. So it is asked again with 2 ms before each answer, as one that is elsewhere: there the CPUs are free meanwhile.
Moto's own server and those of `--server` take far longer for an object than any client does; they are asked in three
rounds at most. "Only fetching" is obstore alone on as many threads as ftorch downloads on, "by hand"
hashes in these threads, "only hashing" is two threads that hash the same number of bytes. All times are of the work
itself.
"""

import importlib.util
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from benchmarks.buckets import SIZE, Light, Moto, Server, others, requests
from benchmarks.commands import JOBS, Submission, peer, submit
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

COUNT, PLANNED = 10_000, 1_000_000
FEWER_ROUNDS = 3
QUICK = 200
LIGHT = Light("answers at once"), Light("answers after 2 ms", 2)
MOTO = Moto("moto's server")
TARGET = "<= 1.3"


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("objects", 5, measure, arguments=_arguments), arguments)


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="an S3 server to start, too; AWS_ENDPOINT_URL and keys in the environment are its own",
    )


def measure(options: Options, results: Results) -> None:
    """Hashing in turns with its parts, from one server after the other; then planning."""
    also: list[Server] = [*others(options.asked.server)]
    if importlib.util.find_spec("moto") is None:
        results.notes.append("moto's server was left out: there is no moto here (make setup)")
    else:
        also.insert(0, MOTO)
    for server in (*LIGHT, *also):
        slow = server in also
        count = QUICK if options.quick else COUNT
        rounds = min(options.rounds, FEWER_ROUNDS) if slow else options.rounds
        results.settings[server.name] = {"objects": count, "rounds": rounds}
        _hashing(count, server, replace(options, rounds=rounds), results)
    _plan(QUICK if options.quick else PLANNED, options, results)


def _hashing(count: int, server: Server, options: Options, results: Results) -> None:
    where = server.name
    with server.serving(count):
        contestants = [
            Contestant("ftorch", partial(_ftorch, options)),
            Contestant("only fetching", partial(_peer, "fetch", count)),
            Contestant("only hashing", partial(_peer, "hash", count)),
            Contestant("both by hand", partial(_peer, "both", count)),
        ]
        samples = interleave(contestants, options.rounds)
    results.samples |= {f"{name}, {where}": found for name, found in samples.items()}
    seconds = {name: column(samples, name, "seconds") for name in samples}
    for name, found in seconds.items():
        results.add(f"{count:,} objects of 100 kB, {where}: {name}", "s", found)
    slower = [max(pair) for pair in zip(seconds["only fetching"], seconds["only hashing"], strict=True)]
    results.add(f"{where}: over the slower of the two", "x", ratios(seconds["ftorch"], slower), TARGET)
    results.add(f"{where}: over both by hand", "x", ratios(seconds["ftorch"], seconds["both by hand"]))


def _plan(planned: int, options: Options, results: Results) -> None:
    with LIGHT[0].serving(planned) as url:
        samples = interleave(
            [Contestant("planning", partial(_planned, url, planned))], min(options.rounds, FEWER_ROUNDS)
        )
    results.samples |= samples
    results.add(f"{planned:,} objects listed and planned", "s", column(samples, "planning", "seconds"))
    results.add("requests for that", "", column(samples, "planning", "requests"))
    results.add("peak memory of that process", "MB", column(samples, "planning", "peak"))


def _ftorch(options: Options) -> Sample:
    wanted = Submission(
        JOBS / "objects.yaml", options.scratch, threads=2, sets={"output.path": options.scratch / "o.jsonl"}
    )
    done = submit(wanted)
    return {"seconds": done.node.wall_seconds, "whole": done.seconds}


def _peer(what: str, count: int) -> Sample:
    return peer("bucketpeers", what, count, SIZE)


def _planned(url: str, count: int) -> Sample:
    requests(url)
    return {**peer("bucketpeers", "plan", count, SIZE), "requests": requests(url)}


if __name__ == "__main__":
    main(sys.argv[1:])
