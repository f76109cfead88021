"""Every permission and the roles a new company starts with."""

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _

PERMISSIONS: dict[str, LazyString] = {
    "complaint.read": _("看客诉"),
    "complaint.create": _("登记客诉"),
    "complaint.handle": _("处理客诉"),
    "issue.read": _("看质量问题"),
    "issue.create": _("登记质量问题"),
    "issue.edit": _("修改质量问题"),
    "issue.comment": _("评论"),
    "issue.decide": _("推进流程"),
    "issue.investigate": _("查原因与整改"),
    "record.read": _("看表单记录"),
    "record.create": _("填写表单"),
    "record.edit": _("修改表单记录"),
    "record.approve": _("审核表单记录"),
    "inspection.read": _("看检验"),
    "inspection.record": _("做检验"),
    "inspection.decide": _("决定检验后的处置"),
    "trace.read": _("追溯"),
    "recall.manage": _("冻结与召回"),
    "recall.approve": _("批准发给买家的召回通知"),
    "board.read": _("看板"),
    "task.team": _("看所有人的待办"),
    "print.issue": _("打印报告"),
    "print.record": _("打印表单记录"),
    "catalog.read": _("看商品与供应商"),
    "import.run": _("导入数据"),
    "export.run": _("导出数据"),
    "data.unmask": _("查看和导出完整的敏感信息"),
    "api.manage": _("接口令牌与推送"),
    "config.rules": _("规则与分类"),
    "config.forms": _("表单"),
    "config.flows": _("流程"),
    "config.inspections": _("检验方案与转移规则"),
    "users.manage": _("成员与权限"),
    "audit.read": _("审计记录"),
    "jobs.manage": _("后台任务"),
    "channels.manage": _("店铺/ERP 对接"),
}

READ = (
    "complaint.read", "issue.read", "record.read", "trace.read", "board.read", "print.issue", "print.record",
    "catalog.read", "inspection.read",
)  # fmt: skip
WORK = ("complaint.create", "complaint.handle", "issue.create", "issue.comment", "record.create")
LEAD = (
    "issue.edit", "issue.decide", "issue.investigate", "record.edit", "record.approve", "import.run", "export.run",
    "data.unmask", "config.rules", "config.forms", "config.flows", "task.team",
    "inspection.record", "inspection.decide", "config.inspections", "recall.manage",
    "recall.approve",
)  # fmt: skip
ADMIN = ("users.manage", "audit.read", "jobs.manage", "channels.manage", "api.manage")


@dataclass(frozen=True)
class RoleSeed:
    """A shipped role: its names, what it allows and which records it reaches."""

    key: str
    name_zh: str
    name_en: str
    permissions: tuple[str, ...]
    scope: str


ROLES = (
    RoleSeed("admin", "管理员", "Administrator", (*READ, *WORK, *LEAD, *ADMIN), "all"),
    RoleSeed("quality_lead", "质量主管", "Quality lead", (*READ, *WORK, *LEAD), "all"),
    RoleSeed(
        "inspector",
        "质检",
        "Inspector",
        (
            *READ,
            *WORK,
            "issue.edit",
            "issue.decide",
            "issue.investigate",
            "record.edit",
            "record.approve",
            "inspection.record",
            "inspection.decide",
            "recall.manage",
        ),
        "department",
    ),
    RoleSeed(
        "customer_service",
        "客服",
        "Customer service",
        ("complaint.read", "issue.read", "record.read", "trace.read", "inspection.read", *WORK),
        "department",
    ),
    RoleSeed(
        "purchasing",
        "采购",
        "Purchasing",
        (*READ, "issue.comment", "issue.decide", "issue.investigate", "record.approve", "inspection.decide"),
        "department",
    ),
    RoleSeed(
        "owner",
        "老板",
        "Owner",
        (*READ, "issue.comment", "export.run", "record.approve", "task.team", "recall.approve"),
        "all",
    ),
    RoleSeed("auditor", "审计", "Auditor", (*READ, "audit.read"), "all"),
)
