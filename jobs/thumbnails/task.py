"""Make thumbnails: decode, shrink, turn upright, encode.

Guarantees: threads share nothing but Pillow's table of formats, which is filled before they start. Pillow
decodes, shrinks and encodes in C. A picture that is damaged raises, and the job sets it aside.
"""

import io
import os

from orchestrator import task
from orchestrator.errors import MissingExtra, TaskError

try:
    from PIL import Image, features
except ModuleNotFoundError as error:
    raise MissingExtra(
        "thumbnails need the package 'pillow', which is not installed",
        hint="Install ftorch with its extra `images`, or: python -m pip install pillow",
    ) from error

FORMATS = {"webp": "WEBP", "jpeg": "JPEG", "jpg": "JPEG", "png": "PNG"}
ORIENTATION = 0x0112
# EXIF 2.32, tag 0x0112: what turns a picture stored with this value upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
FIRST_TURNED = 5
SHRINKABLE = ("RGB", "L", "CMYK", "YCbCr")
COLOUR = ("RGB", "RGBA", "P")


def prepare(codec: object = "webp", width: object = 256, height: object = 256, quality: object = 80) -> None:
    """Check the arguments and load Pillow's formats, once, before any picture.

    Raises:
        TaskError: an unknown format, or a size or quality out of range.
        MissingExtra: this Pillow was built without WebP.
    """
    if codec not in list(FORMATS):
        raise TaskError(f"{codec!r} is no codec", where="with.codec", hint="One of: webp, jpeg, png.")
    for name, value, most in (("width", width, 16383), ("height", height, 16383), ("quality", quality, 100)):
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise TaskError(f"{value!r} is not a whole number from 1 to {most}", where=f"with.{name}")
    if codec == "webp" and not features.check("webp"):
        raise MissingExtra("this Pillow has no WebP", where="with.codec", hint="Take `codec: jpeg`.")
    Image.init()


@task(process=prepare)
def thumbnail(
    file: os.PathLike[str], width: int = 256, height: int = 256, codec: str = "webp", quality: int = 80
) -> bytes:
    """Give a picture's thumbnail as an encoded file.

    It fits into width x height pixels, keeps the picture's proportions, is never larger than the picture,
    stands upright (the EXIF orientation is applied and dropped), and keeps the colour profile.

    Args:
        file: an item of `input: files`.
        width: of the box, in pixels.
        height: of the box, in pixels.
        codec: webp, jpeg or png. JPEG has no transparency: the picture is laid on white.
        quality: 1 to 100, for webp and jpeg.

    Raises:
        OSError: the picture is damaged, cut short, or of no known format.
        PIL.Image.DecompressionBombError: it is larger than Pillow's limit.
    """
    with Image.open(os.fspath(file)) as picture:
        orientation = picture.getexif().get(ORIENTATION, 1)
        profile = picture.info.get("icc_profile") if picture.mode in COLOUR else None
        small = _shrinkable(picture)
        box = (height, width) if orientation >= FIRST_TURNED else (width, height)
        # A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where that leaves twice the box for LANCZOS.
        small.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
        if orientation in UPRIGHT:
            small = small.transpose(UPRIGHT[orientation])
        return _encoded(small, FORMATS[codec], quality, profile)


def _shrinkable(picture: Image.Image) -> Image.Image:
    """The picture in a mode that LANCZOS can work on; a palette's numbers cannot be averaged."""
    if picture.has_transparency_data:
        return picture if picture.mode == "RGBA" else picture.convert("RGBA")
    if picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return picture if picture.mode in SHRINKABLE else picture.convert("RGB")


def _encoded(picture: Image.Image, target: str, quality: int, profile: bytes | None) -> bytes:
    if picture.mode == "RGBA" and target == "JPEG":
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    wanted = "RGBA" if picture.mode == "RGBA" and target != "JPEG" else "RGB"
    plain = picture if picture.mode == wanted else picture.convert(wanted)
    out = io.BytesIO()
    plain.save(out, target, quality=quality, icc_profile=profile or b"")
    return out.getvalue()
