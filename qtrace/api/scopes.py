"""What a token may be used for; a scope opens nothing its person may not do."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

SCOPES: dict[str, LazyString] = {
    "issues:read": _("读取质量问题"),
    "issues:write": _("登记、修改质量问题和发表评论"),
    "tasks:read": _("读取自己的待办"),
    "tasks:write": _("处理自己的待办"),
    "complaints:read": _("读取客诉"),
    "trace:read": _("追溯"),
    "records:read": _("读取表单和表单记录"),
    "records:write": _("填写、修改表单记录"),
    "data:write": _("写入商品、订单、批次等基础数据"),
    "reports:read": _("读取报表"),
}
