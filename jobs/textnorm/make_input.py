"""Make data/documents: real texts (this Python's standard library), some with a near-duplicate."""

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
SIZES = {"small": 100, "full": 1_000_000}
EVERY = 10
MARK = "-edited"


def texts(limit: int) -> list[tuple[Path, str]]:
    """The first `limit` Python files of the running interpreter's standard library that are UTF-8, sorted."""
    library = Path(sysconfig.get_path("stdlib"))
    found = (path for path in sorted(library.rglob("*.py")) if "site-packages" not in path.parts)
    decoded = ((path.relative_to(library), path.read_bytes().decode("utf-8", "replace")) for path in found)
    return list(islice(((name, text) for name, text in decoded if text and "\ufffd" not in text), limit))


def edited(text: str, seed: int) -> str:
    """The text with about one line in forty gone, and in other letter case: a near-duplicate."""
    random = Random(seed)
    return "".join(line for line in text.splitlines(keepends=True) if random.random() > 1 / 40).upper()


def make(documents: Path, limit: int) -> None:
    """Fill the folder."""
    for number, (name, text) in enumerate(texts(limit)):
        path = documents / name.with_suffix(".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        if number % EVERY == 0:
            path.with_stem(path.stem + MARK).write_text(edited(text, number), encoding="utf-8", newline="")


def main() -> None:
    """Make the input, unless it is there already in this size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    size = parser.parse_args().size
    stamp, wanted = DATA / "made", f"{size} {crc32(Path(__file__).read_bytes())} {platform.python_version()}"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(DATA, ignore_errors=True)
        make(DATA / "documents", SIZES[size])
        stamp.write_text(wanted)
    sys.stdout.write(f"{DATA / 'documents'}: {sum(1 for _ in (DATA / 'documents').rglob('*.txt'))} files\n")


if __name__ == "__main__":
    main()
