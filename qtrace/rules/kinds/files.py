"""Kinds that look at files and pictures."""

from collections.abc import Mapping, Sequence

from qtrace.rules.kinds.saying import fault, plain
from qtrace.sdk.rules import Fault, Holds, RuleCase, RuleKind, RuleOption
from qtrace.sdk.text import Text

FILES: frozenset[Holds] = frozenset({"files"})
MEGABYTE = 1024 * 1024
TYPES: Mapping[str, tuple[Text, tuple[str, ...]]] = {
    "picture": (Text("图片", "Pictures"), ("image/",)),
    "video": (Text("视频", "Videos"), ("video/",)),
    "pdf": (Text("PDF", "PDF"), ("application/pdf",)),
    "sheet": (Text("表格", "Spreadsheets"), ("application/vnd.openxmlformats-officedocument.spreadsheetml", "application/vnd.ms-excel", "application/vnd.oasis.opendocument.spreadsheet", "text/csv")),
    "document": (Text("文档", "Documents"), ("application/vnd.openxmlformats-officedocument.wordprocessingml", "application/msword", "text/plain")),
    "archive": (Text("压缩包", "Archives"), ("application/zip", "application/x-7z", "application/vnd.rar")),
}  # fmt: skip


def file(case: RuleCase) -> Sequence[Fault]:
    """Find too few or too many files, one that is too large, or one of another type."""
    least, most, size = case.number("least"), case.number("most"), case.number("megabytes")
    now = len(case.value) if isinstance(case.value, tuple) else len(case.files)
    if least is not None and now < least:
        return fault(
            "「%(zh)s」至少要 %(n)s 个文件,现在 %(now)d 个。请补传。",
            "“%(en)s” needs at least %(n)s files, now %(now)d. Please add some.",
            zh=case.label.zh, en=case.label.en, n=plain(least), now=now,
        )  # fmt: skip
    if most is not None and now > most:
        return fault(
            "「%(zh)s」最多 %(n)s 个文件,现在 %(now)d 个。请去掉几个。",
            "“%(en)s” takes at most %(n)s files, now %(now)d. Please remove some.",
            zh=case.label.zh, en=case.label.en, n=plain(most), now=now,
        )  # fmt: skip
    large = next((one for one in case.files if size is not None and one.size > size * MEGABYTE), None)
    if large is not None:
        return fault(
            "「%(name)s」超过 %(n)s MB。请压缩后再传。", "“%(name)s” is larger than %(n)s MB. Please make it smaller.",
            name=plain(large.name), n=plain(size),
        )  # fmt: skip
    return _wrong_type(case)


def image_size(case: RuleCase) -> Sequence[Fault]:
    """Find a picture with too few pixels to see a defect on."""
    width, height = int(case.number("width") or 0), int(case.number("height") or 0)
    for one in case.files:
        if one.width and one.height and (one.width < width or one.height < height):
            return fault(
                "照片「%(name)s」只有 %(w)d×%(h)d 像素,看不清细节。建议靠近重拍,至少 %(least_w)d×%(least_h)d。",
                "The picture “%(name)s” has only %(w)d×%(h)d pixels. Please take it again closer, at least %(least_w)d×%(least_h)d.",
                name=plain(one.name), w=one.width, h=one.height, least_w=width, least_h=height,
            )  # fmt: skip
    return ()


def _wrong_type(case: RuleCase) -> Sequence[Fault]:
    types = [TYPES[name] for name in case.names("types") if name in TYPES]
    starts = tuple(start for _name, kinds in types for start in kinds)
    wrong = next((one for one in case.files if starts and not one.media_type.startswith(starts)), None)
    if wrong is None:
        return ()
    return fault(
        "「%(name)s」的类型不对,这里只收%(zh)s。请换一个文件。",
        "“%(name)s” is of another type; only %(en)s are taken here. Please choose another file.",
        name=plain(wrong.name), zh="、".join(name.zh for name, _kinds in types),
        en=", ".join(name.en.lower() for name, _kinds in types),
    )  # fmt: skip


KINDS = (
    RuleKind(
        key="file", name=Text("文件数量、大小、类型", "Files: number, size, type"), family="file", fits=FILES, judge=file,
        judges_missing=True, needs=("least", "most", "megabytes", "types"),
        hint=Text("最少、最多几个,单个多大,什么类型。", "How many, how large, of which type."),
        options=(
            RuleOption(name="least", kind="whole", label=Text("至少几个", "At least"), least=0, most=100),
            RuleOption(name="most", kind="whole", label=Text("最多几个", "At most"), least=1, most=100),
            RuleOption(name="megabytes", kind="number", label=Text("单个最大(MB)", "Largest file (MB)")),
            RuleOption(
                name="types", kind="choices", label=Text("类型", "Types"), choices=tuple((key, row[0]) for key, row in TYPES.items())
            ),
        ), words="附件 照片 图片 张数 photo attachment",
    ),
    RuleKind(
        key="image_size", name=Text("照片清晰度", "Picture resolution"), family="file", fits=FILES, judge=image_size, level="info",
        hint=Text("像素太少时提示重拍。", "Hints to take a picture with too few pixels again."),
        options=(
            RuleOption(name="width", kind="whole", label=Text("至少宽(像素)", "Width at least (pixels)"), required=True, least=1, most=20_000),
            RuleOption(name="height", kind="whole", label=Text("至少高(像素)", "Height at least (pixels)"), required=True, least=1, most=20_000),
        ), words="分辨率 像素 模糊 resolution pixels",
    ),
)  # fmt: skip
