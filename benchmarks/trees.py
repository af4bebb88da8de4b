"""Makes trees of files to hash: the same bytes on every machine, and all of them in the page cache afterwards."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

FOLDER = 250
LARGEST = 16 << 10
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of files: where it is, how many there are, and their bytes altogether."""

    root: Path
    files: int
    bytes: int


def make_small(root: Path, files: int) -> Tree:
    """Files of 0 to 16 kB, 4 kB on average, 250 to a folder."""
    random = Random(1)
    noise, total = random.randbytes(BLOCK), 0
    for number in range(files):
        if number % FOLDER == 0:
            (root / f"{number // FOLDER:04d}").mkdir(parents=True)
        # The mean of u³ over [0, 1) is a quarter.
        size, start = int(LARGEST * random.random() ** 3), random.randrange(BLOCK - LARGEST)
        (root / f"{number // FOLDER:04d}" / f"{number:06d}.bin").write_bytes(noise[start : start + size])
        total += size
    return Tree(root, files, total)


def make_large(root: Path, files: int, size: int) -> Tree:
    """Files of so many bytes (rounded down to whole MiB, at least one), each different."""
    blocks = max(1, size // BLOCK)
    root.mkdir(parents=True)
    for number in range(files):
        random = Random(number)
        with (root / f"{number}.bin").open("wb") as out:
            for _ in range(blocks):
                out.write(random.randbytes(BLOCK))
    return Tree(root, files, files * blocks * BLOCK)


def make_empty(root: Path, files: int) -> Tree:
    """Empty files with names of 20 letters, 1,000 to a folder: what planning them costs."""
    for number in range(files):
        folder = root / f"{number // 1000:05d}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        (folder / f"photo-{number:010d}.jpg").touch()
    return Tree(root, files, 0)
