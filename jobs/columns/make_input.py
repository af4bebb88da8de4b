"""Make data/points.csv: pairs of random coordinates, the same on every machine, near and far."""

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from zlib import crc32

DATA = Path(__file__).parent / "data"
SIZES = {"small": 20_000, "full": 2_000_000}
HEADER = "id,lat1,lon1,lat2,lon2\n"


def rows(count: int) -> Iterator[str]:
    """The records: for odd numbers the second point lies within a tenth of a degree, else anywhere."""
    uniform = Random(20).uniform
    for number in range(count):
        lat, lon = uniform(-89.9, 89.9), uniform(-179.9, 179.9)
        if number % 2:
            other = lat + uniform(-0.1, 0.1), lon + uniform(-0.1, 0.1)
        else:
            other = uniform(-90, 90), uniform(-180, 180)
        yield f"{number},{lat:.6f},{lon:.6f},{other[0]:.6f},{other[1]:.6f}\n"


def main() -> None:
    """Make the input, unless it is there already in this size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    size = parser.parse_args().size
    stamp, wanted = DATA / "made", f"{size} {crc32(Path(__file__).read_bytes())}"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(DATA, ignore_errors=True)
        DATA.mkdir()
        with (DATA / "points.csv").open("w", encoding="ascii", newline="") as out:
            out.write(HEADER)
            out.writelines(rows(SIZES[size]))
        stamp.write_text(wanted)
    sys.stdout.write(f"{DATA / 'points.csv'}: {SIZES[size]} records\n")


if __name__ == "__main__":
    main()
