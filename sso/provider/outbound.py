"""Posting to an address that somebody else registered, without becoming their hand inside our network (SSRF).

The name is resolved once, every address of the answer must be admissible, and the connection goes to the address that
was judged: a second answer of the resolver (rebinding) is never asked for. Certificate and Host are those of the name.
No redirect is followed, no proxy used; of the answer nothing but the status line is read.
"""

import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import urlencode, urlsplit

from trust.kernel.addresses import is_loopback
from trust.kernel.errors import InvalidInput, Unavailable

TOTAL_SECONDS = 5.0
"""Longest time for one post, seconds, from resolving to the status line. A relying system answers in milliseconds."""

MAX_STATUS_BYTES = 1024
"""Longest status line, bytes. Nothing behind it is read."""

MAX_URL_CHARACTERS = 2000
"""Longest address; longer ones fail at many servers."""

_DEFAULT_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_NUMERIC_END = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)$")  # what resolvers read as an address: 2130706433, 0x7f.1
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})[ \r]")
_TUNNELS = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class OutboundRefused(InvalidInput):
    """The address is not one that this service posts to: scheme, form, or where it leads."""

    code = "outbound-refused"
    title = "This service does not send to that address."
    title_zh = "本服务不向该地址发送请求。"
    remedy = (
        "Register an https address that leads to a public address, or list your network in YINXIN_OUTBOUND_NETWORKS."
    )
    remedy_zh = "请登记指向公网地址的 https 地址，或将内部网段列入 YINXIN_OUTBOUND_NETWORKS。"


class OutboundFailed(Unavailable):
    """The other side cannot be reached, did not answer in time, or not in HTTP."""

    code = "outbound-failed"
    title = "The other system did not answer."
    title_zh = "对方系统未响应。"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRules:
    """Which addresses are admissible beside public ones: this machine's own, and networks named by the operator."""

    loopback: bool = False
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    def admits(self, address: IPv4Address | IPv6Address) -> bool:
        """Return whether a connection may go to `address`."""
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        address = mapped or address
        if address.is_loopback:
            return self.loopback
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            return False
        if any(address in network for network in self.networks):
            return True
        tunnelled = any(address in network for network in _TUNNELS)
        return address.is_global and not address.is_reserved and not tunnelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to post, taken apart."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)

    @classmethod
    def parse(cls, url: str, rules: OutboundRules) -> "Target":
        """Return the parts. Raises `OutboundRefused` for all but a plain https address (http for loopback)."""
        if len(url) > MAX_URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
            raise OutboundRefused("The address is too long or has characters that no address has.", field="url")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise OutboundRefused("The address cannot be read.", field="url") from None
        host = parts.hostname or ""
        if parts.scheme not in _DEFAULT_PORTS or port == 0:
            raise OutboundRefused("The address must be https.", field="url")
        if "@" in parts.netloc or "#" in url or "\\" in url:
            raise OutboundRefused("The address holds credentials, a fragment or a backslash.", field="url")
        _check_host(host)
        if parts.scheme == "http" and not (rules.loopback and is_loopback(host)):
            raise OutboundRefused("The address must be https.", field="url")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(scheme=parts.scheme, host=host, port=port or _DEFAULT_PORTS[parts.scheme], path=path)


class OutboundPost:
    """Posts forms. Safe to share between threads."""

    def __init__(
        self,
        rules: OutboundRules,
        *,
        resolve: Callable[[str, int], Sequence[str]] | None = None,
        tls: ssl.SSLContext | None = None,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._rules = rules
        self._resolve = resolve or resolve_by_system
        self._tls = tls or ssl.create_default_context()
        self._seconds = seconds

    def post(self, url: str, form: Mapping[str, str]) -> int:
        """Post the form and return the status of the answer. Raises `OutboundRefused`, `OutboundFailed`."""
        target = Target.parse(url, self._rules)
        deadline = time.monotonic() + self._seconds
        addresses = self._admissible(target, deadline)
        try:
            with self._connected(target, addresses, deadline) as connection:
                connection.sendall(_request(target, form))
                return _status(connection, deadline)
        except (OSError, ValueError) as error:  # ssl.SSLError and time-outs are OSErrors
            raise OutboundFailed(kind=type(error).__name__, host=target.host) from None

    def _admissible(self, target: Target, deadline: float) -> Sequence[str]:
        """Resolve the name, once. One inadmissible address among many spoils all: whoever mixes them means harm."""
        found = _in_time(lambda: self._resolve(target.host, target.port), deadline, target.host)
        if not found:
            raise OutboundFailed("The name has no address.", host=target.host)
        for text in found:
            try:
                address = ipaddress.ip_address(text)
            except ValueError:
                raise OutboundRefused("The name resolves to no plain address.", field="url") from None
            if not self._rules.admits(address):
                raise OutboundRefused("The name leads to an address that is not public.", field="url", host=target.host)
        return found

    def _connected(self, target: Target, addresses: Sequence[str], deadline: float) -> socket.socket:
        failure: OSError | None = None
        for address in addresses:
            try:
                plain = socket.create_connection((address, target.port), timeout=_left(deadline))
            except OSError as error:
                failure = error
                continue
            if target.scheme == "http":
                return plain
            try:
                plain.settimeout(_left(deadline))
                return self._tls.wrap_socket(plain, server_hostname=target.host)
            except BaseException:
                plain.close()
                raise
        raise failure or OSError


def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system's resolver gives for a name. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _check_host(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        if not _HOST.fullmatch(host) or _NUMERIC_END.search(host):
            raise OutboundRefused("The host is neither a name nor an address in its usual form.", field="url") from None


def _in_time(work: Callable[[], Sequence[str]], deadline: float, host: str) -> Sequence[str]:
    """Do in a thread what has no time-out of its own; a resolver that hangs is left behind to its own limit."""
    found: list[Sequence[str]] = []

    def run() -> None:
        try:
            found.append(work())
        except (OSError, UnicodeError):
            return

    thread = threading.Thread(target=run, daemon=True, name="resolver")
    thread.start()
    thread.join(_left(deadline))
    if not found:
        raise OutboundFailed("The name cannot be resolved.", host=host)
    return found[0]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _request(target: Target, form: Mapping[str, str]) -> bytes:
    body = urlencode(form).encode()
    name = f"[{target.host}]" if ":" in target.host else target.host
    host = name if target.port == _DEFAULT_PORTS[target.scheme] else f"{name}:{target.port}"
    head = (
        f"POST {target.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\nAccept: */*\r\nUser-Agent: yinxin\r\nConnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def _status(connection: socket.socket, deadline: float) -> int:
    line = b""
    while b"\n" not in line and len(line) < MAX_STATUS_BYTES:
        connection.settimeout(_left(deadline))
        piece = connection.recv(MAX_STATUS_BYTES - len(line))
        if not piece:
            break
        line += piece
    found = _STATUS_LINE.match(line)
    if not found:
        raise ValueError("no status line")
    return int(found[1])
