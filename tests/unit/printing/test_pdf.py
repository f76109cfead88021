"""PDF files: Chinese inside, nothing fetched, and an end to every bomb."""

import base64
import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import DictionaryObject, StreamObject

from qtrace.core.child import Limits
from qtrace.printing.pdf import PdfFailed, html_to_pdf


class Canary:
    """A server on loopback that counts who knocks."""

    def __init__(self) -> None:
        self.hits: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self.socket.accept()
            except OSError:
                return
            with caller:
                self.hits.append(caller.recv(200))
                caller.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\ncanary-answer")

    def close(self) -> None:
        """Stop listening."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.fixture
def canary() -> Iterator[Canary]:
    """A canary server for one test."""
    server = Canary()
    yield server
    server.close()


def texts(pdf: bytes) -> str:
    """Return all text of a PDF."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def objects(pdf: bytes) -> Iterator[DictionaryObject]:
    """Yield every dictionary in a PDF."""
    reader = PdfReader(io.BytesIO(pdf))
    for number in reader.xref[0]:
        found = reader.get_object(number)
        if isinstance(found, DictionaryObject):
            yield found


def picture() -> bytes:
    """Return a small red PNG."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


def pictures(pdf: bytes) -> int:
    """Count the pictures in a PDF."""
    return sum(1 for found in objects(pdf) if found.get("/Subtype") == "/Image")


def test_chinese_text_can_be_read_back() -> None:
    pdf = html_to_pdf("<h1>质量问题报告</h1><p>责任方:供应商;根本原因:封口温度过低。</p>", assets={}, css="")
    assert "质量问题报告" in texts(pdf)
    assert "封口温度过低" in texts(pdf)


def test_the_font_travels_inside_whatever_family_is_asked_for() -> None:
    html = "<p style='font-family:SimSun'>宋体</p><p style='font-family:serif;font-weight:bold'>粗体 bold</p>"
    found = list(objects(html_to_pdf(html, assets={}, css="")))
    names = {str(font["/BaseFont"]) for font in found if "/BaseFont" in font}
    assert names
    # Bold is drawn from the same outlines, which the engine then embeds under a name of its own.
    assert all("WenQuanYi" in name or "CairoFont" in name for name in names)
    described = [font for font in found if font.get("/Type") == "/FontDescriptor"]
    assert described
    assert all("/FontFile2" in font or "/FontFile3" in font for font in described)


def test_bold_looks_different_and_can_still_be_read() -> None:
    pdf = html_to_pdf("<p>普通</p><b>粗体</b>", assets={}, css="")
    fonts = {str(found["/BaseFont"]).split("+")[-1] for found in objects(pdf) if "/BaseFont" in found}
    assert len(fonts) == 2
    assert "粗体" in texts(pdf)


def test_the_file_stays_small() -> None:
    assert len(html_to_pdf("<p>一页中文</p>" * 30, assets={}, css="")) < 60_000


def test_styles_and_page_rules_apply() -> None:
    css = "@page { size: 60mm 40mm; margin: 2mm }"
    page = PdfReader(io.BytesIO(html_to_pdf("<p>标签</p>", assets={}, css=css))).pages[0]
    assert (round(float(page.mediabox.width)), round(float(page.mediabox.height))) == (170, 113)


def test_assets_and_data_pictures_are_shown() -> None:
    data = base64.b64encode(picture()).decode()
    html = f"<img src='qt-asset:7f'><img src='data:image/png;base64,{data}' style='width:50px'>"
    assert pictures(html_to_pdf(html, assets={"7f": picture()}, css="")) >= 1
    assert pictures(html_to_pdf("<img src='qt-asset:7f'>", assets={"7f": picture()}, css="")) == 1
    assert pictures(html_to_pdf("<img src='qt-asset:other'>", assets={"7f": picture()}, css="")) == 0


ATTACKS = (
    "<img src='{u}'>",
    "<link rel='stylesheet' href='{u}'>",
    "<link rel='attachment' href='{u}'>",
    "<a rel='attachment' href='{u}'>x</a>",
    "<style>@import url('{u}');</style>",
    "<style>@font-face {{ font-family: q; src: url('{u}') }} p {{ font-family: q }}</style><p>x</p>",
    "<div style=\"background: url('{u}'); width: 9px; height: 9px\"></div>",
    "<ul style=\"list-style-image: url('{u}')\"><li>x</li></ul>",
    "<p style=\"content: url('{u}')\">x</p>",
    "<iframe src='{u}'></iframe>",
    "<object data='{u}'></object><embed src='{u}'>",
    "<svg width='9' height='9'><image href='{u}' width='9' height='9'/><use href='{u}#a'/></svg>",
    "<base href='{u}'><img src='canary.txt'><img src='/canary.txt'>",
    "<script src='{u}'></script><video src='{u}' poster='{u}'></video>",
    "<img srcset='{u} 1x'><input type='image' src='{u}'>",
    "<?xml-stylesheet href='{u}'?><meta http-equiv='refresh' content='0;url={u}'>",
    "<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='{u}'/></svg>\">",
)


@pytest.mark.parametrize("scheme", ["http://{server}/x", "//{server}/x", "file://{file}", "{file}", "FILE:{file}"])
def test_nothing_is_fetched(scheme: str, canary: Canary, tmp_path: Path) -> None:
    secret = tmp_path / "canary.txt"
    secret.write_text("canary-text-of-a-file")
    address = scheme.format(server=canary.address, file=secret)
    html = "".join(attack.format(u=address) for attack in ATTACKS) + "<p>完</p>"
    pdf = html_to_pdf(html, assets={}, css=f"@import url('{address}'); h1 {{ background: url('{address}') }}")
    assert canary.hits == []
    assert "canary" not in texts(pdf)
    streams = [found.get_data() for found in objects(pdf) if isinstance(found, StreamObject)]
    assert not any(b"canary-text" in stream or b"canary-answer" in stream for stream in streams)
    assert not any("/EmbeddedFiles" in found or "/EF" in found for found in objects(pdf))


def test_the_canary_does_sing_when_something_knocks(canary: Canary) -> None:
    host, port = canary.address.split(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(b"hello")
        assert caller.recv(100)
    assert canary.hits == [b"hello"]


def test_a_time_bomb_is_stopped_with_a_typed_error() -> None:
    html = "<table>" + "<tr>" + "<td>格</td>" * 20 + "</tr>"
    with pytest.raises(PdfFailed) as failed:
        html_to_pdf(html * 20_000, assets={}, css="", limits=Limits(cpu_seconds=1, memory_mb=2000, wall_seconds=20))
    assert failed.value.kind == "time"
    assert "浏览器" in failed.value.message


def test_a_memory_bomb_is_stopped_with_a_typed_error() -> None:
    html = "<div>" + "<p>字</p>" * 400_000
    with pytest.raises(PdfFailed) as failed:
        html_to_pdf(html, assets={}, css="", limits=Limits(cpu_seconds=60, memory_mb=60, wall_seconds=60))
    assert failed.value.kind == "memory"


def test_too_many_pages_are_refused_with_their_number() -> None:
    html = "<p style='page-break-after: always'>页</p>" * 400
    with pytest.raises(PdfFailed, match="最多 300 页") as failed:
        html_to_pdf(html, assets={}, css="")
    assert failed.value.kind == "refused"


def test_html_beyond_all_measure_is_refused_before_a_child_starts() -> None:
    with pytest.raises(PdfFailed, match="太大"):
        html_to_pdf("x" * 11_000_000, assets={}, css="")


@pytest.mark.parametrize(
    "html", ["<p style='font-size:1e9px'>大</p>", "<div style='width:1e30mm'>宽</div>", "<p>\0</p>"]
)
def test_odd_measures_give_a_pdf_or_a_typed_error(html: str) -> None:
    try:
        assert html_to_pdf(html, assets={}, css="").startswith(b"%PDF-")
    except PdfFailed as failed:
        assert failed.kind in ("time", "memory", "crash", "refused")


def test_the_font_comes_with_its_licence() -> None:
    fonts = Path(html_to_pdf.__code__.co_filename).parent / "fonts"
    names = {path.name for path in fonts.iterdir()}
    assert {"wqy-microhei.ttc", "wqy-microhei.copyright.txt", "LICENSE-Apache-2.0.txt", "LICENSE-GPL-3.txt"} <= names
