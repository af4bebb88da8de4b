"""Make data/photos: drawn photos in all eight EXIF orientations, some with transparency, one damaged.

Seen upright, every photo has a red corner at the top left, green at the top right, blue at the bottom left
and white at the bottom right.
"""

import argparse
import shutil
import sys
from pathlib import Path
from random import Random
from zlib import crc32

from PIL import Image, ImageDraw, __version__

DATA = Path(__file__).parent / "data"
SIZES = {"small": (32, (960, 640)), "full": (640, (4032, 3024))}
ORIENTATION = 0x0112
# What a camera held like this stores, given the upright picture: the inverse of what a viewer does.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def draw(size: tuple[int, int], seed: int) -> Image.Image:
    """Draw an upright picture with smooth light, some shapes, and its four marked corners."""
    random = Random(seed)
    width, height = size
    coarse = Image.frombytes("RGB", (24, 16), random.randbytes(24 * 16 * 3))
    picture = coarse.resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, radius = random.randrange(width), random.randrange(height), random.randrange(8, height // 6)
        colour = tuple(random.randbytes(3))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    across, down = width // 6, height // 6
    pen.rectangle((0, 0, across, down), fill="red")
    pen.rectangle((width - across, 0, width, down), fill="lime")
    pen.rectangle((0, height - down, across, height), fill="blue")
    pen.rectangle((width - across, height - down, width, height), fill="white")
    return picture


def save(picture: Image.Image, number: int, photos: Path) -> None:
    """Store picture `number`: each fifth as PNG with transparency, the others as JPEG, turned and marked."""
    folder = photos / f"album-{number % 3}"
    folder.mkdir(parents=True, exist_ok=True)
    if number % 5 == 4:
        see_through = picture.convert("RGBA")
        x, y = picture.width // 2, picture.height // 2
        see_through.paste((0, 0, 0, 0), (x - 20, y - 20, x + 20, y + 20))
        see_through.save(folder / f"photo-{number:04}.png", compress_level=1)
        return
    orientation = 1 + number % 8
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = picture.transpose(STORED[orientation]) if orientation in STORED else picture
    stored.save(folder / f"photo-{number:04}.jpg", quality=88, exif=exif)


def make(photos: Path, count: int, size: tuple[int, int]) -> None:
    """Fill the folder; the last file is a photo cut short."""
    for number in range(count):
        save(draw(size, number), number, photos)
    whole = (photos / "album-0" / "photo-0000.jpg").read_bytes()
    (photos / "album-0" / "damaged.jpg").write_bytes(whole[: len(whole) // 3])


def main() -> None:
    """Make the input, unless it is there already in this size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="small")
    size = parser.parse_args().size
    stamp, wanted = DATA / "made", f"{size} {crc32(Path(__file__).read_bytes())} {__version__}"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(DATA, ignore_errors=True)
        make(DATA / "photos", *SIZES[size])
        stamp.write_text(wanted)
    count = sum(path.is_file() for path in (DATA / "photos").rglob("*"))
    sys.stdout.write(f"{DATA / 'photos'}: {count} files\n")


if __name__ == "__main__":
    main()
