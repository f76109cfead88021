"""The only way out: every request the site itself makes to another machine goes through `send`.

An address that business people typed must not reach the machines beside the server. So a name is resolved once, every
address it has must be a public one, and the connection is made to the very address that was checked: a name that means
something else a moment later leads nowhere. Redirects are answers, not followed; proxies of the environment mean nothing;
a deadline ends what drips in byte by byte. Networks the operator allows by a setting may be private and need no https.
"""

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from threading import Timer
from urllib.parse import urlsplit

from flask_babel import gettext as _

from qtrace.core.errors import Refused

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

LONGEST_URL = 500
SECONDS = 10.0
MOST_BYTES = 64 * 1024
HOST_CHARS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._:")
PORTS = {"https": 443, "http": 80}
# Public addresses that mean the machine's own surroundings: the metadata services of clouds, and relays into IPv6.
NEVER = tuple(ip_network(text) for text in ("168.63.129.16/32", "192.88.99.0/24", "64:ff9b:1::/48"))
NAT64 = ip_network("64:ff9b::/96")


class Blocked(Refused):
    """The site does not go to this address; the message says why."""


class Unreachable(Exception):
    """The request was tried and failed; `reason` is dns, connect, tls, timeout or protocol."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True)
class Target:
    """An address that may be tried: nothing in it can be read in two ways."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Outgoing:
    """A request to another machine."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = SECONDS
    most_bytes: int = MOST_BYTES


@dataclass(frozen=True)
class Reply:
    """What came back; `cut` says that there was more than was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool = False


def resolve(host: str, port: int) -> list[str]:
    """Return every address of a host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable("dns", host) from error
    return list(dict.fromkeys(str(info[4][0]) for info in found))


def check_url(url: str) -> Target:
    """Return where a URL leads; blocked when it is not plainly one http(s) address."""
    if len(url) > LONGEST_URL or any(not "!" <= char <= "~" or char in '\\"<>^`{|}' for char in url):
        raise Blocked(_("网址里有空格、中文、反斜杠或其他不能用的字符,或太长。"), field="url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Blocked(_("这不是有效的网址。"), field="url") from None
    host = parts.hostname or ""
    if parts.scheme not in PORTS or not host or set(host) - HOST_CHARS or port == 0:
        raise Blocked(_("网址要以 https:// 开头,后面是域名。"), field="url")
    if "@" in parts.netloc or parts.fragment:
        raise Blocked(_("网址里不能有用户名、密码或 #。"), field="url")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or PORTS[parts.scheme], path)


def check_target(target: Target, *, allow: Sequence[Network] = (), resolve: Resolve = resolve) -> str:
    """Return the address to connect to; blocked unless every address of the host is public or allowed."""
    found = [ip_address(text.partition("%")[0]) for text in resolve(target.host, target.port)]
    if not found:
        raise Unreachable("dns", target.host)
    for address in found:
        if any(address in network for network in allow):
            continue
        if target.scheme != "https":
            raise Blocked(_("只能发往 https:// 开头的网址。"), field="url")
        if not is_public(address):
            raise Blocked(_("这个网址指向内部网络(%(address)s),不能发送。", address=str(address)), field="url")
    return str(found[0])


def is_public(address: Address) -> bool:
    """Say whether an address, and every address hidden inside it, is one of the open internet."""
    inside = _inside(address)
    if inside:
        return all(is_public(one) for one in inside)
    usual = address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
    return usual and not any(address in network for network in NEVER)


def send(request: Outgoing, *, allow: Sequence[Network] = (), resolve: Resolve = resolve) -> Reply:
    """Make the request to the one address that was checked and return what came back, redirects included."""
    target = check_url(request.url)
    address = check_target(target, allow=allow, resolve=resolve)
    connection = _Pinned(target, address, request.seconds)
    watch = Timer(request.seconds, connection.abort)
    watch.daemon = True
    watch.start()
    try:
        connection.request(request.method, target.path, request.body, dict(request.headers))
        answer = connection.getresponse()
        body = answer.read(request.most_bytes + 1)
        if connection.aborted:  # what was read so far looks whole
            raise TimeoutError
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, headers, body[: request.most_bytes], len(body) > request.most_bytes)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_reason(error, connection), type(error).__name__) from error
    finally:
        watch.cancel()
        connection.close()


class _Pinned(http.client.HTTPConnection):
    """A connection to one address that speaks to the host of the URL."""

    def __init__(self, target: Target, address: str, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.default_port = PORTS[target.scheme]
        self.target, self.address, self.aborted = target, address, False
        self.raw: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the checked address; over TLS the certificate must be the host's."""
        self.raw = self.sock = socket.create_connection((self.address, self.target.port), self.timeout)
        if self.target.scheme == "https":
            context = ssl.create_default_context()
            secured = context.wrap_socket(self.raw, server_hostname=self.target.host, do_handshake_on_connect=False)
            self.raw = self.sock = secured
            secured.do_handshake()

    def abort(self) -> None:
        """End the connection from outside, whatever it waits for."""
        self.aborted = True
        if self.raw is not None:
            with suppress(OSError):  # it is closed already, which is what is wanted
                self.raw.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception, connection: _Pinned) -> str:
    if connection.aborted or isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLError):
        return "tls"
    return "connect" if isinstance(error, OSError) else "protocol"


def _inside(address: Address) -> list[Address]:
    """Return the IPv4 addresses an IPv6 address stands for."""
    if isinstance(address, IPv4Address):
        return []
    hidden: list[Address | None] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64:
        hidden.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in hidden if one is not None]
