"""Forms of the members' pages."""

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, Form, PasswordField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, Optional


class MemberForm(Form):
    """A person: name, roles, department, and a password when one is to be set."""

    username = StringField(_("用户名"), [InputRequired(_("请填写用户名。")), Length(max=80)])
    name = StringField(_("姓名"), [InputRequired(_("请填写姓名。")), Length(max=80)])
    roles = SelectMultipleField(_("角色"), [InputRequired(_("请至少选择一个角色。"))])
    department_id = SelectField(_("部门"), [Optional()], coerce=str)
    password = PasswordField(_("密码"), [Optional(), Length(min=8, message=_("密码至少 8 个字符。"))])
    active = BooleanField(_("可以登录"), default=True)


class PasswordForm(Form):
    """A person's own new password."""

    current = PasswordField(_("当前密码"), [InputRequired(_("请填写当前密码。"))])
    password = PasswordField(
        _("新密码"), [InputRequired(_("请填写新密码。")), Length(min=8, message=_("密码至少 8 个字符。"))]
    )
