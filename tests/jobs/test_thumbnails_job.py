"""The thumbnails job as a user runs it: one upright WebP for every photo, the damaged one set aside."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.jobs.conftest import ShippedJob

CORNERS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def stems(root: Path, *suffixes: str) -> set[str]:
    """The files with one of the suffixes, without it, relative to the root."""
    found = (path for path in root.rglob("*") if path.suffix in suffixes)
    return {path.relative_to(root).with_suffix("").as_posix() for path in found}


def test_every_photo_has_an_upright_thumbnail(shipped: Callable[[str], ShippedJob]):
    """The thumbnails' tree mirrors the photos'; each fits the box and has its corners in their places."""
    job = shipped("thumbnails")
    photos = job.make_input() / "photos"
    thumbnails = job.submit() / "thumbnails"
    made = stems(thumbnails, ".webp")
    assert made == stems(photos, ".jpg", ".png") - {"album-0/damaged"}
    assert sum(path.is_file() for path in thumbnails.rglob("*")) == len(made) == 32
    for stem in made:
        with Image.open(thumbnails / f"{stem}.webp") as picture:
            assert (picture.format, picture.size) == ("WEBP", (256, 171)), stem
            shown = picture.convert("RGB")
        places = [(8, 8), (shown.width - 9, 8), (8, shown.height - 9), (shown.width - 9, shown.height - 9)]
        for place, colour in zip(places, CORNERS.values(), strict=True):
            assert np.abs(np.subtract(shown.getpixel(place), colour)).max() < 40, (stem, place)


def test_the_damaged_photo_is_named_and_the_job_succeeds(shipped: Callable[[str], ShippedJob]):
    """One damaged photo of 33 is within the job's 5 %: exit 0, and it is named among the failures."""
    job = shipped("thumbnails")
    job.make_input()
    job.submit()
    [failures] = job.folder.rglob("failures.jsonl")
    lines = failures.read_text().splitlines()
    assert len(lines) == 1
    assert "album-0/damaged.jpg" in lines[0]
    assert "truncated" in lines[0]


def test_photos_in_the_root_itself_need_no_folder(shipped: Callable[[str], ShippedJob]):
    """A photo without a parent folder has its thumbnail in the root of the output."""
    job = shipped("thumbnails")
    (job.folder / "data" / "photos").mkdir(parents=True)
    Image.new("RGB", (600, 400), "red").save(job.folder / "data" / "photos" / "alone.jpg")
    thumbnails = job.submit() / "thumbnails"
    assert stems(thumbnails, ".webp") == {"alone"}
