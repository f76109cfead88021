"""Photos of bar codes, made with the library's own writer."""

import io
from collections.abc import Iterable

import zxingcpp
from PIL import Image

PAPER = 225


def symbol(text: str, symbology: str = "QRCode", *, scale: int = 5, gs1: bool = False) -> Image.Image:
    """Return one code as a grey picture; GS1 texts are given as they are printed, (01)…(10)…"""
    options = {"gs1": True} if gs1 else {}
    barcode = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat[symbology], **options)
    pixels = memoryview(barcode.to_image(scale=scale))
    height, width = pixels.shape
    return Image.frombytes("L", (width, height), pixels.tobytes())


def photo_of(symbols: Iterable[Image.Image] = (), *, size: tuple[int, int] = (1600, 1400), form: str = "JPEG") -> bytes:
    """Return a photo of a sheet with the codes below one another."""
    sheet = Image.new("RGB", size, (PAPER, PAPER, PAPER))
    top = 60
    for code in symbols:
        sheet.paste(code, (80, top))
        top += code.height + 80
    out = io.BytesIO()
    sheet.save(out, form)
    return out.getvalue()
