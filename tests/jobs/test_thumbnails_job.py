"""The thumbnails job as a user runs it: one upright WebP for every photo, the damaged one set aside."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.jobs.conftest import ShippedJob

CORNERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


def stems(root: Path, *suffixes: str) -> set[str]:
    """The files with one of the suffixes, without it, relative to the root."""
    found = (path for path in root.rglob("*") if path.suffix in suffixes)
    return {path.relative_to(root).with_suffix("").as_posix() for path in found}


def assert_upright(path: Path) -> None:
    """It is a WebP in the box's size, and its four marked corners are where the drawing has them."""
    with Image.open(path) as picture:
        assert (picture.format, picture.size) == ("WEBP", (256, 171)), path
        shown = picture.convert("RGB")
    places = [(8, 8), (shown.width - 9, 8), (8, shown.height - 9), (shown.width - 9, shown.height - 9)]
    for place, colour in zip(places, CORNERS, strict=True):
        assert np.abs(np.subtract(shown.getpixel(place), colour)).max() < 40, (path, place)


def test_every_photo_has_an_upright_thumbnail(shipped: Callable[[str], ShippedJob]):
    """The thumbnails' tree mirrors the photos'; each fits the box and has its corners in their places.

    One of the 33 is damaged, within the 5 % of the job: the command succeeds, and names it as a failure.
    """
    job = shipped("thumbnails")
    photos = job.make_input() / "photos"
    thumbnails = job.submit() / "thumbnails"
    made = stems(thumbnails, ".webp")
    assert made == stems(photos, ".jpg", ".png") - {"album-0/damaged"}
    assert sum(path.is_file() for path in thumbnails.rglob("*")) == len(made) == 32
    for stem in made:
        assert_upright(thumbnails / f"{stem}.webp")
    [failures] = job.folder.rglob("failures.jsonl")
    [line] = failures.read_text().splitlines()
    assert "album-0/damaged.jpg" in line
    assert "truncated" in line


def test_photos_in_the_root_itself_need_no_folder(shipped: Callable[[str], ShippedJob]):
    """A photo without a parent folder has its thumbnail in the root of the output."""
    job = shipped("thumbnails")
    (job.folder / "data" / "photos").mkdir(parents=True)
    Image.new("RGB", (600, 400), "red").save(job.folder / "data" / "photos" / "alone.jpg")
    thumbnails = job.submit() / "thumbnails"
    assert stems(thumbnails, ".webp") == {"alone"}
