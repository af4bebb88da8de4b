"""Make data/tree: many small real files (this Python's standard library), a few large ones, and odd names."""

import argparse
import platform
import shutil
import sys
import sysconfig
from itertools import islice
from pathlib import Path
from random import Random
from zlib import crc32

DATA = Path(__file__).parent / "data"
AWKWARD = ("two words.txt", "back\\slash.txt", "new\nline.txt", "-n", "ünïcode.txt", "empty")
SIZES = {"small": (300, [16 << 20]), "full": (1_000_000, [256 << 20, 256 << 20])}
BLOCK = 1 << 20


def library_files(limit: int) -> list[Path]:
    """The first `limit` Python files of the running interpreter's standard library, sorted."""
    library = Path(sysconfig.get_path("stdlib"))
    found = (path.relative_to(library) for path in sorted(library.rglob("*.py")) if path.is_file())
    return list(islice((path for path in found if "site-packages" not in path.parts), limit))


def write_large(path: Path, size: int, seed: int) -> None:
    """Write `size` bytes that look random and are the same on every machine."""
    random = Random(seed)
    with path.open("wb") as out:
        for _ in range(size // BLOCK):
            out.write(random.randbytes(BLOCK))


def make(tree: Path, count: int, large: list[int]) -> None:
    """Fill the tree."""
    library = Path(sysconfig.get_path("stdlib"))
    for name in library_files(count):
        # Not `.py`: a copied library would be taken for source code by every tool that looks for some.
        target = (tree / "library" / name).with_suffix(".txt")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(library / name, target)
    (tree / "awkward").mkdir(parents=True)
    for odd in AWKWARD:
        (tree / "awkward" / odd).write_text("" if odd == "empty" else odd, encoding="utf-8")
    for seed, size in enumerate(large):
        write_large(tree / f"large-{seed}.bin", size, seed)


def main() -> None:
    """Make the input, unless it is there already in this size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    size = parser.parse_args().size
    stamp, wanted = DATA / "made", f"{size} {crc32(Path(__file__).read_bytes())} {platform.python_version()}"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(DATA, ignore_errors=True)
        make(DATA / "tree", *SIZES[size])
        stamp.write_text(wanted)
    count = sum(path.is_file() for path in (DATA / "tree").rglob("*"))
    sys.stdout.write(f"{DATA / 'tree'}: {count} files\n")


if __name__ == "__main__":
    main()
