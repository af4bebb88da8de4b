"""Make data/text.txt: real text in ASCII (this Python's standard library), one file."""

import argparse
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

DATA = Path(__file__).parent / "data"
SIZES = {"small": 4 << 20, "full": 1 << 30}


def texts() -> Iterator[bytes]:
    """Every ASCII Python file of the running interpreter's standard library, sorted."""
    library = Path(sysconfig.get_path("stdlib"))
    for path in sorted(library.rglob("*.py")):
        if "site-packages" not in path.parts:
            text = path.read_bytes()
            if text.isascii():
                yield text


def make(target: Path, least: int) -> None:
    """Write texts, and start over when there are no more, until the file has `least` bytes."""
    size = 0
    with target.open("wb") as out:
        while size < least:
            for text in texts():
                size += out.write(text)
                if size >= least:
                    return


def main() -> None:
    """Make the input, unless it is there already in this size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    size = parser.parse_args().size
    stamp, wanted = DATA / "made", f"{size} {crc32(Path(__file__).read_bytes())} {platform.python_version()}"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir()
        make(DATA / "text.txt", SIZES[size])
        stamp.write_text(wanted)
    sys.stdout.write(f"{DATA / 'text.txt'}: {(DATA / 'text.txt').stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
