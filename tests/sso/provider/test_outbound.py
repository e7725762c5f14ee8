import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.provider.outbound import (
    MAX_STATUS_BYTES,
    MAX_URL_CHARACTERS,
    OutboundFailed,
    OutboundPost,
    OutboundRefused,
    OutboundRules,
    Target,
    resolve_by_system,
)
from trust.kernel.errors import TrustError

STRICT = OutboundRules()
LOCAL = OutboundRules(loopback=True)
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Server:
    """Answers each connection with the same bytes and keeps what it was sent."""

    def __init__(self, answer: bytes, tls: ssl.SSLContext | None = None, *, silent: bool = False) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer, self._tls, self._silent = answer, tls, silent
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with plain:
                self._talk(plain)

    def _talk(self, plain: socket.socket) -> None:
        try:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                self.requests.append(connection.recv(65536))
                if self._silent:
                    self._released.wait(10)
                connection.sendall(self._answer)
        except OSError:
            return

    def close(self) -> None:
        self._released.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@contextmanager
def serving(answer: bytes = NO_CONTENT, **terms: object) -> Iterator[Server]:
    server = Server(answer, **terms)
    try:
        yield server
    finally:
        server.close()


def answering(*addresses: str) -> Callable[[str, int], list[str]]:
    def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


def refused(url: str, rules: OutboundRules = STRICT, resolve: Callable[..., list[str]] | None = None) -> str:
    with pytest.raises(TrustError) as refusal:
        OutboundPost(rules, resolve=resolve or answering("127.0.0.1")).post(url, {"a": "b"})
    return refusal.value.code


def test_a_form_is_posted_and_the_status_comes_back() -> None:
    with serving() as server:
        status = OutboundPost(LOCAL).post(f"http://127.0.0.1:{server.port}/logout?x=1", {"logout_token": "a b"})
        assert status == 204
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /logout?x=1 HTTP/1.1"
    assert f"Host: 127.0.0.1:{server.port}" in lines
    assert "Content-Type: application/x-www-form-urlencoded" in lines
    assert body == b"logout_token=a+b"


@pytest.mark.parametrize("status", [200, 301, 302, 307, 400, 404, 500])
def test_no_redirect_is_followed(status: int) -> None:
    with serving(f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:1/\r\n\r\n".encode()) as server:
        assert OutboundPost(LOCAL).post(f"http://127.0.0.1:{server.port}/", {}) == status
        assert server.connections == 1


@pytest.mark.parametrize("answer", [b"", b"HTTP/2 200\r\n", b"SSH-2.0-x\r\n", b"HTTP/1.1 20\r\n", b"\x00" * 5000])
def test_what_is_no_http_is_a_failure(answer: bytes) -> None:
    with serving(answer) as server:
        assert refused(f"http://127.0.0.1:{server.port}/", LOCAL) == "outbound-failed"


def test_an_endless_answer_is_not_read() -> None:
    with serving(NO_CONTENT + b"x" * 3_000_000) as server:
        assert OutboundPost(LOCAL).post(f"http://127.0.0.1:{server.port}/", {}) == 204
    with serving(b"HTTP/1.1 " + b"2" * (MAX_STATUS_BYTES + 1)) as server:
        assert refused(f"http://127.0.0.1:{server.port}/", LOCAL) == "outbound-failed"


def test_a_silent_server_costs_no_more_than_the_total_time() -> None:
    with serving(silent=True) as server, pytest.raises(OutboundFailed):
        OutboundPost(LOCAL, seconds=0.2).post(f"http://127.0.0.1:{server.port}/", {})


def test_a_resolver_that_hangs_costs_no_more_than_the_total_time() -> None:
    released = threading.Event()

    def hang(host: str, port: int) -> list[str]:
        released.wait(10)
        return []

    with pytest.raises(OutboundFailed):
        OutboundPost(STRICT, resolve=hang, seconds=0.1).post("https://rp.example/", {})
    released.set()


def test_a_closed_port_and_an_unknown_name_are_failures() -> None:
    with serving() as server:
        port = server.port
    assert refused(f"http://127.0.0.1:{port}/", LOCAL) == "outbound-failed"

    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror

    assert refused("https://nowhere.example/", STRICT, unknown) == "outbound-failed"
    assert refused("https://nowhere.example/", STRICT, answering()) == "outbound-failed"


@pytest.mark.parametrize(
    "url",
    [
        "http://rp.example/",
        "ftp://rp.example/",
        "file:///etc/passwd",
        "gopher://rp.example/",
        "//rp.example/",
        "rp.example",
        "",
        "https://",
        "https:///path",
        "https://user@rp.example/",
        "https://user:secret@rp.example/",
        "https://@rp.example/",
        "https://rp.example/#fragment",
        "https://rp.example\\@evil.example/",
        "https://rp.example/a b",
        "https://rp.example/\r\nX-Header: y",
        "https://rp.example:0/",
        "https://rp.example:65536/",
        "https://rp.example:x/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1.1/",
        "https://rp..example/",
        "https://-rp.example/",
        "https://rp_x.example/",
        "https://例子.example/",
        "https://[::1/",
        "https://rp.example/" + "a" * MAX_URL_CHARACTERS,
    ],
)
def test_an_address_in_any_other_form_is_refused_before_anything_is_asked(url: str) -> None:
    def never(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    assert refused(url, LOCAL, never) == "outbound-refused"


def test_the_length_of_an_address_holds_from_both_sides() -> None:
    longest = "https://rp.example/".ljust(MAX_URL_CHARACTERS, "a")
    assert Target.parse(longest, STRICT)
    with pytest.raises(OutboundRefused):
        Target.parse(longest + "a", STRICT)


NOT_PUBLIC = [
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.1.1",
    "192.0.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_that_leads_inwards_is_refused(address: str) -> None:
    assert refused("https://rp.example/", STRICT, answering(address)) == "outbound-refused"
    assert refused("https://rp.example/", STRICT, answering("93.184.215.14", address)) == "outbound-refused"


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14"])
def test_public_addresses_are_admissible(address: str) -> None:
    assert STRICT.admits(ip_address(address))


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="169.254.0.0/16"))
def test_no_inner_address_is_admissible_in_any_wrapping(address: object) -> None:
    assert not STRICT.admits(address)
    assert not LOCAL.admits(ip_address(f"::ffff:{address}"))


def test_networks_of_the_operator_are_admissible_but_never_link_local_ones() -> None:
    rules = OutboundRules(networks=(ip_network("10.1.0.0/16"), ip_network("169.254.0.0/16"), ip_network("::/0")))
    assert rules.admits(ip_address("10.1.2.3"))
    assert not rules.admits(ip_address("10.2.2.3"))
    assert not rules.admits(ip_address("169.254.169.254"))
    assert not rules.admits(ip_address("::1"))
    assert not rules.admits(ip_address("fe80::1"))


def test_the_loopback_needs_the_setting_also_for_https() -> None:
    for host in ("127.0.0.1", "[::1]", "localhost"):
        assert refused(f"http://{host}:9/", STRICT, answering("127.0.0.1")) == "outbound-refused"
        assert refused(f"https://{host}:9/", STRICT, answering("127.0.0.1")) == "outbound-refused"
    assert refused("http://rp.example/", LOCAL, answering("127.0.0.1")) == "outbound-refused"


def test_the_name_is_resolved_once_and_the_judged_address_is_used() -> None:
    with serving() as server:
        answers = [["127.0.0.1"], ["169.254.169.254"]]
        asked = []

        def rebinding(host: str, port: int) -> list[str]:
            asked.append(host)
            return answers.pop(0)

        assert OutboundPost(LOCAL, resolve=rebinding).post(f"http://localhost:{server.port}/", {}) == 204
        assert asked == ["localhost"]


def test_what_is_no_address_is_refused() -> None:
    assert refused("https://rp.example/", STRICT, answering("fe80::1%eth0")) == "outbound-refused"
    assert refused("https://rp.example/", STRICT, answering("rp.example")) == "outbound-refused"


def test_the_systems_resolver_gives_plain_addresses() -> None:
    assert resolve_by_system("127.0.0.1", 80) == ("127.0.0.1",)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=rp.test "
        f"-addext subjectAltName=DNS:rp.test -keyout {key} -out {cert}".split(),
        check=True,
        capture_output=True,
    )
    return key, cert


def test_tls_is_verified_for_the_name_and_not_for_the_address(authority: tuple[Path, Path]) -> None:
    key, cert = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    trusting = ssl.create_default_context(cafile=str(cert))

    def local(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    with serving(tls=context) as server:
        good = f"https://rp.test:{server.port}/"
        assert OutboundPost(LOCAL, resolve=local, tls=trusting).post(good, {"a": "b"}) == 204
        assert f"Host: rp.test:{server.port}".encode() in server.requests[0]
        other = f"https://other.test:{server.port}/"
        for url, tls in ((other, trusting), (good, None)):
            with pytest.raises(OutboundFailed):
                OutboundPost(LOCAL, resolve=local, tls=tls).post(url, {"a": "b"})
        assert len(server.requests) == 1
