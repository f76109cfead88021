"""Calls an automatic node makes: to an address the administrator registered, or to one its plugin names."""

from urllib.parse import quote, urlsplit

from flask import current_app
from flask_babel import gettext as _

from qtrace.core.errors import Refused
from qtrace.core.net import Outgoing, send
from qtrace.flows.addresses import address_named
from qtrace.sdk.flow_nodes import CallAddress
from qtrace.sdk.senders import Answer, HttpCall

AGENT = {"User-Agent": "qtrace-flows/1"}
SECONDS = 15.0
PLAIN = "/:@!$&'()*+,;=-._~%?"  # what a path may hold as it is; the rest, Chinese too, is written in percents
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def make_call(call: CallAddress | HttpCall, *, case_id: str) -> Answer:
    """Make a call and return what came back; Refused where it may not be made, Unreachable where nobody answered.

    `case_id` goes along as Idempotency-Key, so that the other side knows a call that is made again.
    """
    request = _registered(call) if isinstance(call, CallAddress) else call
    if request.method not in METHODS:
        raise Refused(_("不能用「%(method)s」方法调用外部地址。", method=request.method[:20]))
    headers = AGENT | dict(request.headers) | {"Idempotency-Key": case_id}
    outgoing = Outgoing(request.method, request.url, headers, request.body, seconds=SECONDS)
    reply = send(outgoing, allow=current_app.config["QTRACE_NET_ALLOW"])
    return Answer(reply.status, reply.body, reply.headers)


def _registered(call: CallAddress) -> HttpCall:
    row = address_named(call.address)
    if row is None or not row.enabled:
        raise Refused(_("外部地址「%(name)s」没有登记或已停用。请在「配置 → 外部地址」里看。", name=call.address))
    url = row.url.rstrip("/") + _below(call.path) if call.path else row.url
    if urlsplit(url)[:2] != urlsplit(row.url)[:2]:
        raise Refused(_("地址后面的部分不对:%(path)s", path=call.path[:80]))
    return HttpCall(url=url, method=call.method, headers=dict(call.headers) | dict(row.headers), body=call.body)


def _below(path: str) -> str:
    """Return a path as it follows an address; one that leads up and out is refused."""
    written = quote("/" + path.lstrip("/"), safe=PLAIN)
    if ".." in written.partition("?")[0].split("/"):
        raise Refused(_("地址后面的部分不对:%(path)s", path=path[:80]))
    return written
