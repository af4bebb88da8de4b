"""Thumbnails against pictures turned by numpy from the EXIF definition, and shrunk by plain averaging."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

from jobs.thumbnails.task import prepare, thumbnail
from orchestrator.errors import TaskError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
# How a camera stores an upright picture under each value of EXIF's orientation: EXIF 2.32 says which visual
# side the stored row 0 and column 0 are.
STORED = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


def corners(width: int, height: int) -> np.ndarray:
    """An upright picture of four quarters: red and green above, blue and white below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, : width // 2] = BLUE
    picture[height // 2 :, width // 2 :] = WHITE
    return picture


def opened(data: bytes) -> Image.Image:
    """The thumbnail as a viewer that knows nothing of EXIF would show it."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def assert_corners(picture: Image.Image) -> None:
    """The four quarters are where they belong."""
    shown = picture.convert("RGB")
    right, bottom = shown.width - 5, shown.height - 5
    for place, colour in {(4, 4): RED, (right, 4): GREEN, (4, bottom): BLUE, (right, bottom): WHITE}.items():
        assert np.abs(np.subtract(shown.getpixel(place), colour)).max() < 30, place


@pytest.mark.parametrize("codec", ["webp", "jpeg", "png"])
@pytest.mark.parametrize("orientation", sorted(STORED))
def test_every_orientation_comes_out_upright(orientation: int, codec: str, tmp_path: Path):
    """A photo stored in any of the eight ways is shown upright, fits the box, and says no orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](corners(600, 400))))
    stored.save(tmp_path / "photo.jpg", quality=95, exif=exif)
    made = opened(thumbnail(tmp_path / "photo.jpg", width=150, height=300, codec=codec))
    assert made.format == codec.upper()
    assert made.size == (150, 100)
    assert 0x0112 not in made.getexif()
    assert_corners(made)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_shrinking_is_close_to_the_mean_of_the_pixels(suffix: str, tmp_path: Path):
    """A fine chequered pattern on smooth light becomes about the mean of each 4 by 4 square, not dots."""
    down, across = np.mgrid[0:512, 0:768]
    values = 128 + 40 * np.sin(across / 40) + 40 * np.cos(down / 30) + 40 * (-1.0) ** (across + down)
    picture = np.repeat(values.astype(np.uint8)[..., None], 3, axis=2)
    path = tmp_path / f"chequered.{suffix}"
    Image.fromarray(picture).save(path, quality=98, subsampling=0)
    made = np.asarray(opened(thumbnail(path, width=192, height=192, codec="png")), float)
    wanted = picture.reshape(128, 4, 192, 4, 3).mean(axis=(1, 3))
    assert made.shape == wanted.shape
    assert np.abs(made - wanted).mean() < 2


@pytest.mark.parametrize(
    ("size", "box", "wanted"),
    [
        ((40, 30), (256, 256), (40, 30)),
        ((256, 256), (256, 256), (256, 256)),
        ((1000, 10), (100, 100), (100, 1)),
        ((10, 1000), (100, 50), (1, 50)),
        ((800, 600), (200, 200), (200, 150)),
    ],
)
def test_fits_the_box_and_never_grows(size, box, wanted, tmp_path: Path):
    """The thumbnail keeps the proportions, has at least one pixel, and is not larger than the picture."""
    Image.new("RGB", size, "red").save(tmp_path / "picture.png")
    assert opened(thumbnail(tmp_path / "picture.png", width=box[0], height=box[1])).size == wanted


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_of_a_png_becomes_a_thumbnail(mode: str, tmp_path: Path):
    """A picture in black and white, in grey, with a palette or with transparency keeps its bright colour."""
    Image.new("RGB", (400, 300), "white").convert(mode).save(tmp_path / "picture.png")
    made = opened(thumbnail(tmp_path / "picture.png", width=100, height=100)).convert("RGB")
    assert made.size == (100, 75)
    assert min(made.getpixel((50, 30))) > 250


def test_sixteen_bits_of_grey_are_scaled_and_not_cut(tmp_path: Path):
    """A 16-bit picture of middle grey has a thumbnail of middle grey."""
    Image.fromarray(np.full((300, 400), 32768, np.uint16)).save(tmp_path / "deep.png")
    made = opened(thumbnail(tmp_path / "deep.png", width=100, height=100, codec="png"))
    assert made.getpixel((50, 30)) == (128, 128, 128)


def test_a_cmyk_photo_keeps_its_colours(tmp_path: Path):
    """A photo for print is turned into RGB."""
    Image.fromarray(corners(600, 400)).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    assert_corners(opened(thumbnail(tmp_path / "print.jpg", width=150, height=150)))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_kept_or_laid_on_white(mode: str, tmp_path: Path):
    """A transparent half stays transparent in WebP and PNG, and is white in JPEG."""
    picture = Image.new("RGBA", (400, 400), (0, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 200, 400))
    stored = picture.quantize(4) if mode == "P" else picture.convert(mode)
    stored.save(tmp_path / "see-through.png")
    for codec in ("webp", "png"):
        made = opened(thumbnail(tmp_path / "see-through.png", width=100, height=100, codec=codec))
        assert made.mode == "RGBA"
        assert (made.getpixel((20, 50))[3], made.getpixel((80, 50))[3]) == (0, 255)
    flat = opened(thumbnail(tmp_path / "see-through.png", width=100, height=100, codec="jpeg"))
    assert flat.mode == "RGB"
    assert min(flat.getpixel((20, 50))) > 240
    assert max(flat.getpixel((80, 50))) < 15


def test_the_colour_profile_goes_along(tmp_path: Path):
    """A photo's ICC profile is in its thumbnail, byte by byte; a private comment is not."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGB", (400, 300), "red").save(tmp_path / "wide.jpg", icc_profile=profile, comment=b"private")
    made = thumbnail(tmp_path / "wide.jpg", width=100, height=100)
    assert opened(made).info["icc_profile"] == profile
    assert b"private" not in made


def test_a_photo_cut_short_raises(tmp_path: Path):
    """A file that ends in the middle of its pixels is an error, not a thumbnail that is half grey."""
    Image.fromarray(corners(600, 400)).save(tmp_path / "whole.jpg", quality=95)
    whole = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(OSError, match="truncated"):
        thumbnail(tmp_path / "cut.jpg")


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\xff\xd8\xff\xe0"])
def test_what_is_no_picture_raises(content: bytes, tmp_path: Path):
    """A file that no format claims is an error."""
    (tmp_path / "odd.jpg").write_bytes(content)
    with pytest.raises((UnidentifiedImageError, OSError)):
        thumbnail(tmp_path / "odd.jpg")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"codec": "bmp"}, "with.codec"),
        ({"codec": ["webp"]}, "with.codec"),
        ({"width": 0}, "with.width"),
        ({"height": "256"}, "with.height"),
        ({"quality": 101}, "with.quality"),
        ({"quality": True}, "with.quality"),
    ],
)
def test_a_wrong_argument_is_refused_at_set_up(arguments: dict, field: str):
    """A codec, size or quality that cannot be is an error of its field before any picture is read."""
    with pytest.raises(TaskError) as caught:
        prepare(**arguments)
    assert caught.value.where == field


def test_the_defaults_are_accepted():
    """The job runs without any argument."""
    prepare()
