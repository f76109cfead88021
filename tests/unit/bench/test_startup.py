"""What a phone fetches for a page is found in the page itself."""

from bench.startup import PageParts, css_addresses

PAGE = """<html><head><link rel="icon" href="data:image/svg+xml,x"><link rel="stylesheet" href="/static/a.css?v=1">
<link rel="alternate" href="/feed"><script src="/static/a.js" defer></script></head>
<body><img src="/files/1"><svg><use href="/static/icons.svg?v=2#i-plus"/></svg><a href="/issues">x</a></body></html>"""


def test_styles_scripts_pictures_and_icons_are_fetched_but_links_are_not() -> None:
    parts = PageParts()
    parts.feed(PAGE)
    assert parts.parts == [
        "data:image/svg+xml,x", "/static/a.css?v=1", "/static/a.js", "/files/1", "/static/icons.svg?v=2#i-plus",
    ]  # fmt: skip


def test_a_style_sheet_fetches_fonts_and_imports_but_not_data() -> None:
    text = "@import 'b.css'; @font-face{src:url(\"f.woff2\")} a{background:url(data:image/png;base64,x)}"
    assert css_addresses(text) == ["b.css", "f.woff2"]
