"""The child that lays pages out; it knows one font folder and the assets it was sent, and fetches nothing."""

import io

from plutoprint import PAGE_SIZE_A4, Book, ResourceData, ResourceFetcher, plutobook_set_fontconfig_path

from qtrace.core.child import ChildRefused, ChildRequest, serve

SCHEME = "qt-asset:"
BASE_URL = "qt-asset:/"
MEDIA_TYPES = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "image/svg+xml"),
)


class AssetFetcher(ResourceFetcher):
    """Answers only the assets that came with the request."""

    def __init__(self, assets: dict[str, bytes]) -> None:
        super().__init__()
        self.assets = assets

    def fetch_url(self, url: str) -> ResourceData:
        """Return a known asset; every other address is refused before anything is opened."""
        if not url.startswith(SCHEME):
            raise PermissionError("only assets of this document can be shown")
        content = self.assets[url.removeprefix(SCHEME)]
        return ResourceData(content, _media_type(content), "")


def main(request: ChildRequest) -> bytes:
    """Return the PDF of the HTML in the request."""
    data = request.data
    assets = {name: request.input.read(size) for name, size in data["assets"].items()}
    plutobook_set_fontconfig_path(data["fonts"])
    book = Book(PAGE_SIZE_A4)
    # The engine holds no reference of its own while it works.
    fetcher = AssetFetcher(assets)
    book.custom_resource_fetcher = fetcher
    book.load_html(data["html"], user_style=data["css"], base_url=BASE_URL)
    pages = book.get_page_count()
    if pages == 0:
        raise ChildRefused("empty")
    if pages > data["max_pages"]:
        raise ChildRefused("too_many_pages", pages=pages, limit=data["max_pages"])
    out = io.BytesIO()
    book.write_to_pdf_stream(out)
    return out.getvalue()


def _media_type(content: bytes) -> str:
    start = content.lstrip()[:16]
    return next((kind for mark, kind in MEDIA_TYPES if start.startswith(mark)), "application/octet-stream")


if __name__ == "__main__":
    serve(main)
