"""SHA-256 of a tree of many small files and of one of few large ones, as whole commands, from tree to file of sums.

All read the same files from a warm page cache and are checked to give the same sums. The pools use the very code that
the job `hashing` uses for a file. Hashing a large file releases the GIL in every Python, so there threads were always
enough; what free threading adds shows with small files.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.commands import ROOT, Failed, Submission, submit, timed
from benchmarks.measure import (
    Benchmark,
    Contestant,
    Options,
    Results,
    Sample,
    best_of,
    column,
    interleave,
    quickest,
    ratios,
    run_benchmark,
)
from benchmarks.trees import Tree, make_large, make_small

JOB = ROOT / "jobs" / "hashing" / "job.yaml"
CPUS = len(os.sched_getaffinity(0))
PEERS = {
    "xargs": f"xargs -P{CPUS} sha256sum, tuned -n",
    "mp-imap": "mp.Pool.imap_unordered, tuned",
    "threads": "ThreadPoolExecutor.map",
}


def main(arguments: Sequence[str]) -> None:
    """Run it."""
    own = ArgumentParser(add_help=False)
    own.add_argument("--files", type=int, default=50_000, help="small files")
    own.add_argument("--large", type=int, default=8, help="large files")
    own.add_argument("--mib", type=int, default=256, help="MiB of each large file")
    sizes, rest = own.parse_known_args(arguments)

    def body(options: Options, results: Results) -> None:
        files, large, mib = (500, 2, 1) if options.quick else (sizes.files, sizes.large, sizes.mib)
        measure(make_small(options.scratch / "small", files), "small files", options, results)
        measure(make_large(options.scratch / "large", large, mib << 20), "large files", options, results)

    run_benchmark(Benchmark("hashing", 5, body), rest)


def measure(tree: Tree, name: str, options: Options, results: Results) -> None:
    """One tree; the contestants take turns, each checked against the first."""
    check = _checker(tree)
    tuned = {
        "xargs": _tune("xargs", tree, options, check),
        "mp-imap": _tune("mp-imap", tree, options, check),
        "threads": 1,
    }
    results.settings[name] = {"files": tree.files, "bytes": tree.bytes, "tuned": tuned}
    contestants = [Contestant("ftorch", partial(_ftorch, tree, options.scratch / "sums", check))]
    contestants += [Contestant(peer, partial(_peer, peer, size, tree, check)) for peer, size in tuned.items()]
    samples = interleave(contestants, options.rounds)
    results.samples |= {f"{name}: {contestant}": found for contestant, found in samples.items()}
    ours = column(samples, "ftorch", "seconds")
    results.add(f"{name}: ftorch", "s", ours)
    results.add(f"{name}: ftorch, the hashing alone (node report)", "s", column(samples, "ftorch", "node"))
    peers = {told: column(samples, peer, "seconds") for peer, told in PEERS.items()}
    for told, seconds in peers.items():
        results.add(f"{name}: {told}", "s", seconds)
    for told, seconds in peers.items():
        target = "<= 1" if told == best_of(peers) else None
        results.add(f"{name}: ftorch over {told}", "x", ratios(ours, seconds), target)


type Check = Callable[[Path], None]


def _checker(tree: Tree) -> Check:
    """Compares a file of sums with the first one, and removes it."""
    known: list[list[bytes]] = []

    def check(sums: Path) -> None:
        lines = sorted(sums.read_bytes().splitlines())
        sums.unlink()
        if len(lines) != tree.files or (known and lines != known[0]):
            raise Failed("the sums differ from the first contestant's")
        known[:] = [lines]

    return check


def _ftorch(tree: Tree, out: Path, check: Check) -> Sample:
    sets = {"input.files.root": tree.root, "output.path": out}
    ended = submit(Submission(JOB, out.parent, sets=sets))
    check(out)
    return {"seconds": ended.seconds, "node": ended.node.wall_seconds}


def _peer(peer: str, size: int, tree: Tree, check: Check) -> Sample:
    out = tree.root.parent / f"sums-{peer}"
    if peer == "xargs":
        script = 'cd "$1" && find . -type f -printf "%P\\0" | xargs -0 -P"$2" -n"$3" sha256sum > "$4"'
        ended = timed(["sh", "-c", script, "sh", tree.root, str(CPUS), str(size), out])
    else:
        words: list[str | Path] = [peer, tree.root, out, "--workers", str(CPUS), "--chunksize", str(size)]
        ended = timed([sys.executable, "-m", "benchmarks.hashpeers", *words])
    check(out)
    return {"seconds": ended.seconds}


def _tune(peer: str, tree: Tree, options: Options, check: Check) -> int:
    shares = (8,) if options.quick else (2, 8, 32, 128)
    sizes = sorted({max(1, tree.files // (CPUS * share)) for share in shares})
    return quickest(sizes, lambda size: _peer(peer, size, tree, check)["seconds"])


if __name__ == "__main__":
    main(sys.argv[1:])
