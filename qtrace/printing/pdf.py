"""HTML to PDF with the bundled Chinese font, in a child with limits and without any way to fetch."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from flask_babel import lazy_gettext

from qtrace.core.child import ChildFailed, Kind, Limits, run_child
from qtrace.core.errors import Refused

CHILD = "qtrace.printing.pdf_child"
FONTS = Path(__file__).parent / "fonts"
LIMITS = Limits(cpu_seconds=30, memory_mb=1024, wall_seconds=60, file_mb=128)
MAX_HTML = 10 * 1024 * 1024
MAX_ASSETS = 60 * 1024 * 1024
MAX_PAGES = 300
FONT_CONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <match target="font">
    <test name="weight" compare="less_eq"><const>medium</const></test>
    <test target="pattern" name="weight" compare="more_eq"><const>bold</const></test>
    <edit name="embolden" mode="assign"><bool>true</bool></edit>
    <edit name="weight" mode="assign"><const>bold</const></edit>
  </match>
</fontconfig>
"""
MESSAGES = {
    "time": lazy_gettext("生成 PDF 用时过长,已停止。请减少内容,或在浏览器里直接打印。"),
    "memory": lazy_gettext("生成 PDF 需要的内存过多,已停止。请减少图片或内容,或在浏览器里直接打印。"),
    "crash": lazy_gettext("这份内容无法生成 PDF。请检查打印模板,或在浏览器里直接打印。"),
    "too_big": lazy_gettext("内容太大,无法生成 PDF。请减少图片或内容。"),
    "too_many_pages": lazy_gettext("共 %(pages)s 页,一份 PDF 最多 %(limit)s 页。请缩小打印范围。"),
    "empty": lazy_gettext("没有可以打印的内容。"),
}


class PdfFailed(Refused):
    """No PDF was made; `kind` says whether time, memory, a crash or a refusal stopped it."""

    def __init__(self, message: str, *, kind: Kind) -> None:
        super().__init__(message)
        self.kind: Kind = kind


def html_to_pdf(html: str, *, assets: Mapping[str, bytes], css: str, limits: Limits = LIMITS) -> bytes:
    """Return the PDF of a page; it may use `qt-asset:<id>` for the given assets and `data:` URIs, nothing else."""
    if len(html) + len(css) > MAX_HTML or sum(map(len, assets.values())) > MAX_ASSETS:
        raise PdfFailed(str(MESSAGES["too_big"]), kind="refused")
    with tempfile.TemporaryDirectory(prefix="qtrace-pdf-") as folder:
        config = FONT_CONFIG.format(fonts=escape(str(FONTS)), cache=escape(f"{folder}/cache"))
        (Path(folder) / "fonts.conf").write_text(config, encoding="utf-8")
        request = {
            "html": html,
            "css": css,
            "fonts": folder,
            "max_pages": MAX_PAGES,
            "assets": {name: len(content) for name, content in assets.items()},
        }
        try:
            return run_child(CHILD, request=request, limits=limits, input_bytes=b"".join(assets.values()))
        except ChildFailed as failed:
            message = MESSAGES[failed.code if failed.kind == "refused" else failed.kind]
            raise PdfFailed(str(message) % failed.params, kind=failed.kind) from failed
