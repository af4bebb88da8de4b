"""Give compiled files the bytes that their code alone decides, so that two builds are equal.

    python tools/image/settle.py FOLDER

What the compiler writes also tells which of its objects were shared, in that process and at that moment, with what it
had compiled before (https://github.com/python/cpython/issues/98819). Code that was read back is shared within itself
only.
"""

import marshal
import sys
from pathlib import Path

HEADER = 16


def settled(data: bytes) -> bytes:
    """A compiled file, written again from what it is read as."""
    return data[:HEADER] + marshal.dumps(marshal.loads(data[HEADER:]))


def main(folder: Path) -> None:
    """Settle all compiled files below a folder."""
    for path in sorted(folder.rglob("*.pyc")):
        path.write_bytes(settled(path.read_bytes()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
