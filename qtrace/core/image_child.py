"""The child that opens photos: four formats, a cap on pixels, and nothing kept of the original but what is seen."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageOps, UnidentifiedImageError

from qtrace.core.child import ChildRefused, ChildRequest, serve

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000
LONG_EDGE = 1920
QUALITY = 85
DRAWING_EDGE = 800
# A photo that is also a page, a document or an archive was made to be misread by somebody.
FOREIGN_STARTS = (b"<html", b"<script", b"<svg", b"<!doctype", b"<?xml", b"%pdf-", b"<?php")
START = 4096
ARCHIVE_END = b"PK\x05\x06"
ARCHIVE_TAIL = 66_000


def main(request: ChildRequest) -> bytes:
    """Return the photo as a JPEG: upright, at most 1920 px on its long edge, without metadata; a drawing as a PNG."""
    with open_photo(request.input.read()) as image:
        return _drawing(image) if request.data.get("drawing") else _shrunk(image)


@contextmanager
def open_photo(content: bytes) -> Iterator[Image.Image]:
    """Open a photo inside a child; what is no photo, too large or broken is refused, also while it is worked on."""
    _refuse_foreign(content)
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ChildRefused("too_many_pixels", limit=MAX_PIXELS // 1_000_000)
            yield image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ChildRefused("too_many_pixels", limit=MAX_PIXELS // 1_000_000) from error
    except UnidentifiedImageError as error:
        raise ChildRefused("not_a_photo") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ChildRefused("broken") from error


def _refuse_foreign(content: bytes) -> None:
    start = content[:START].lower()
    if any(mark in start for mark in FOREIGN_STARTS) or ARCHIVE_END in content[-ARCHIVE_TAIL:]:
        raise ChildRefused("not_a_photo")


def _shrunk(image: Image.Image) -> bytes:
    # A JPEG is decoded at a fraction of its size when that is enough: less time, less memory.
    image.draft("RGB", (LONG_EDGE, LONG_EDGE))
    ImageOps.exif_transpose(image, in_place=True)
    # Palettes can't be averaged, so they become colours before they become small.
    colours = _colours(image) if image.mode in ("1", "P") else image
    colours.thumbnail((LONG_EDGE, LONG_EDGE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    on_white(colours).save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _drawing(image: Image.Image) -> bytes:
    ImageOps.exif_transpose(image, in_place=True)
    grey = on_white(image).convert("L")
    grey.thumbnail((DRAWING_EDGE, DRAWING_EDGE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    grey.save(out, "PNG", optimize=True)
    return out.getvalue()


def _colours(image: Image.Image) -> Image.Image:
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def on_white(image: Image.Image) -> Image.Image:
    """Return the pixels alone, transparency laid on white; a new image carries no metadata."""
    canvas = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        canvas.paste(clear, mask=clear.getchannel("A"))
    else:
        canvas.paste(image.convert("RGB"))
    return canvas


if __name__ == "__main__":
    serve(main)
