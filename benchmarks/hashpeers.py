"""Hash a tree as one would without ftorch: `python -m benchmarks.hashpeers threads|mp-imap ROOT OUT …`.

Walks the tree, hashes each file with the code of the job `hashing`, and writes the lines that sha256sum writes.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from threading import local

from jobs.hashing.task import hasher

_own = local()


def walk(root: str) -> Iterator[tuple[str, int]]:
    """The path and size of every file."""
    for entry in os.scandir(root):
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path)
        else:
            yield entry.path, entry.stat(follow_symlinks=False).st_size


def line(file: tuple[str, int]) -> tuple[str, str]:
    """A file's path and hash; each thread hashes with a buffer of its own."""
    found: Callable[[str, int], str] | None = getattr(_own, "hash", None)
    if found is None:
        found = _own.hash = hasher("sha256")
    return file[0], found(*file)


def _threads(asked: Namespace) -> Iterator[tuple[str, str]]:
    with ThreadPoolExecutor(asked.workers) as pool:
        yield from pool.map(line, walk(asked.root))


def _mp_imap(asked: Namespace) -> Iterator[tuple[str, str]]:
    with get_context("fork").Pool(asked.workers) as pool:
        yield from pool.imap_unordered(line, walk(asked.root), asked.chunksize)


def write(lines: Iterable[tuple[str, str]], root: str, out: str) -> None:
    """Write the lines, with paths below the root."""
    skip = len(root) + 1
    with open(out, "w", encoding="utf-8") as sums:
        sums.writelines(f"{found}  {path[skip:]}\n" for path, found in lines)


def main(arguments: list[str]) -> None:
    """Hash a tree."""
    pools = {"threads": _threads, "mp-imap": _mp_imap}
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("pool", choices=pools)
    parser.add_argument("root")
    parser.add_argument("out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunksize", type=int, default=1)
    asked = parser.parse_args(arguments)
    write(pools[asked.pool](asked), asked.root, asked.out)


if __name__ == "__main__":
    main(sys.argv[1:])
