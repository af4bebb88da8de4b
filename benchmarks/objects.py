"""Objects of a bucket as input: hashing 10,000 of 100 kB from loopback, beside fetching them only, hashing only, and
both by hand; and listing and planning a million.

The server is one of our own (`benchmarks.bucketserver`), as none that can be had here is quick enough. It runs on the
same CPUs: where it answers at once, fetching alone keeps two of them busy, so that hashing cannot hide behind it, and
what can be reached is what both take by hand. So it is measured again with a server that takes 2 ms to answer, as one
that is elsewhere: there the CPUs are free meanwhile. "Only fetching" is obstore alone on as many threads as ftorch
downloads on, "by hand" hashes in these threads, "only hashing" is two threads that hash the same number of bytes. All
times are of the work itself.
"""

import os
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

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
from benchmarks.servers import serving

COUNT, SIZE, PLANNED = 10_000, 100_000, 1_000_000
QUICK = 200
DELAYS = (0, 2)
TARGET = "<= 1.3"


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    run_benchmark(Benchmark("objects", 5, measure), arguments)


def measure(options: Options, results: Results) -> None:
    """Hashing in turns with its parts, from a near and a far server; then planning."""
    count, planned = (QUICK, QUICK) if options.quick else (COUNT, PLANNED)
    for milliseconds in DELAYS:
        _hashing(count, milliseconds, options, results)
    _plan(planned, options, results)


def _hashing(count: int, milliseconds: int, options: Options, results: Results) -> None:
    where = f"answers after {milliseconds} ms" if milliseconds else "answers at once"
    with _bucket(count, milliseconds) as url:
        contestants = [
            Contestant("ftorch", partial(_ftorch, url, options)),
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
    with _bucket(planned) as url:
        samples = interleave([Contestant("planning", partial(_planned, url, planned))], min(options.rounds, 3))
    results.samples |= samples
    results.add(f"{planned:,} objects listed and planned", "s", column(samples, "planning", "seconds"))
    results.add("requests for that", "", column(samples, "planning", "requests"))
    results.add("peak memory of that process", "MB", column(samples, "planning", "peak"))


@contextmanager
def _bucket(count: int, milliseconds: int = 0) -> Iterator[str]:
    """A server of so many objects that waits so long before it answers; the environment names it."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_REGION": "us-east-1",
    }
    words = map(str, (port, count, SIZE, milliseconds))
    with serving([sys.executable, "-m", "benchmarks.bucketserver", *words]):
        while True:
            try:
                _requests(url)
                break
            except OSError:
                time.sleep(0.05)
        yield url


def _requests(url: str) -> int:
    """How many requests came since the last time."""
    with urllib.request.urlopen(f"{url}/requests", timeout=10) as answer:
        return int(answer.read())


def _ftorch(url: str, options: Options) -> Sample:
    wanted = Submission(
        JOBS / "objects.yaml", options.scratch, threads=2, sets={"output.path": options.scratch / "o.jsonl"}
    )
    _requests(url)
    done = submit(wanted)
    return {"seconds": done.node.wall_seconds, "whole": done.seconds, "requests": _requests(url)}


def _peer(what: str, count: int) -> Sample:
    return peer("bucketpeers", what, count, SIZE)


def _planned(url: str, count: int) -> Sample:
    _requests(url)
    return {**peer("bucketpeers", "plan", count, SIZE), "requests": _requests(url)}


if __name__ == "__main__":
    main(sys.argv[1:])
