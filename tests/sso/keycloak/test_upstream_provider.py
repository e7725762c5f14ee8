import threading
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey

from sso.keycloak.errors import UpstreamMetadataInvalid, UpstreamUnavailable
from sso.keycloak.fetched import CACHE_SECONDS, REFETCH_SECONDS, Fetched
from sso.keycloak.upstream_provider import MAX_KEYS, UpstreamProvider
from tests.fakes import FixedClock
from tests.sso.keycloak.house import EC, ISSUER, RSA, MemoryUpstream, source
from trust.kernel.encoding import base64url


@pytest.fixture
def upstream() -> MemoryUpstream:
    return MemoryUpstream()


@pytest.fixture
def provider(tmp_path: Path, upstream: MemoryUpstream, clock: FixedClock) -> UpstreamProvider:
    return UpstreamProvider(source(tmp_path), upstream, clock)


def test_the_endpoints_come_from_the_discovery_document_of_the_issuer(
    provider: UpstreamProvider, upstream: MemoryUpstream
) -> None:
    found = provider.endpoints()
    assert (found.authorization, found.token, found.keys) == (f"{ISSUER}/auth", f"{ISSUER}/token", f"{ISSUER}/certs")
    assert found.names_issuer
    assert upstream.gets == [f"{ISSUER}/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("issuer", f"{ISSUER}/"),
        ("issuer", "https://evil.example"),
        ("issuer", None),
        ("token_endpoint", "http://sso.province.example.gov.cn/token"),
        ("token_endpoint", None),
        ("authorization_endpoint", "https://a@sso.example/auth"),
        ("jwks_uri", 5),
    ],
)
def test_a_document_that_contradicts_the_agreement_is_refused(
    provider: UpstreamProvider, upstream: MemoryUpstream, member: str, value: object
) -> None:
    upstream.metadata[member] = value
    with pytest.raises(UpstreamMetadataInvalid) as caught:
        provider.endpoints()
    assert caught.value.code == "upstream-metadata-invalid"


def test_what_the_upstream_says_of_itself_is_kept_for_its_time(
    provider: UpstreamProvider, upstream: MemoryUpstream, clock: FixedClock
) -> None:
    for seconds, asked in ((0, 2), (CACHE_SECONDS - 1, 2), (1, 4)):
        clock.advance(seconds=seconds)
        assert provider.key("rsa") is not None
        assert len(upstream.gets) == asked


def test_an_upstream_that_does_not_answer_is_left_alone(
    provider: UpstreamProvider, upstream: MemoryUpstream, clock: FixedClock
) -> None:
    """Each try may hold one of our few threads for as long as the transport waits."""
    issuer, upstream.metadata["issuer"] = upstream.metadata["issuer"], "https://down.example"
    with pytest.raises(UpstreamMetadataInvalid):
        provider.endpoints()
    for _ in range(5):
        with pytest.raises(UpstreamUnavailable):
            provider.endpoints()
    assert len(upstream.gets) == 1
    upstream.metadata["issuer"] = issuer
    clock.advance(seconds=REFETCH_SECONDS - 1)
    with pytest.raises(UpstreamUnavailable):
        provider.endpoints()
    clock.advance(seconds=1)
    assert provider.endpoints().token == f"{ISSUER}/token"


def test_forged_key_ids_fetch_nothing_while_the_key_set_cannot_be_had(
    provider: UpstreamProvider, upstream: MemoryUpstream, clock: FixedClock
) -> None:
    assert provider.key("rsa") is not None
    keys, upstream.keys = upstream.keys, {}
    clock.advance(seconds=REFETCH_SECONDS)
    with pytest.raises(UpstreamUnavailable):
        provider.key("forged")
    asked = len(upstream.gets)
    for _ in range(5):
        assert provider.key("forged") is None
        assert provider.key("rsa") is not None
    assert len(upstream.gets) == asked
    upstream.keys = keys


def test_one_thread_asks_and_the_others_go_on_with_what_is_kept(clock: FixedClock) -> None:
    asked, answer = threading.Event(), threading.Event()
    answers = iter(["first", "second"])

    def fetch() -> str:
        asked.set()
        answer.wait(timeout=30)
        return next(answers)

    answer.set()
    document = Fetched(fetch, clock)
    assert document.get() == "first"
    clock.advance(seconds=CACHE_SECONDS)
    asked.clear()
    answer.clear()
    slow: list[str] = []
    thread = threading.Thread(target=lambda: slow.append(document.get()))
    thread.start()
    assert asked.wait(timeout=30)
    assert document.get() == "first"
    answer.set()
    thread.join()
    assert slow == [document.get()] == ["second"]


def test_an_unknown_key_is_looked_for_again_but_not_at_every_try(
    provider: UpstreamProvider, upstream: MemoryUpstream, clock: FixedClock
) -> None:
    assert provider.key("new") is None
    upstream.keys = {"keys": [RSA.as_dict(private=False) | {"kid": "new"}]}
    clock.advance(seconds=REFETCH_SECONDS - 1)
    assert provider.key("new") is None
    clock.advance(seconds=1)
    assert provider.key("new") is not None


@pytest.mark.parametrize(
    "jwk",
    [
        RSA.as_dict(private=False) | {"kid": "x", "n": base64url(bytes([0x80]) + bytes(126) + b"\x01")},  # 1024 bits
        ECKey.generate_key("P-384", {"kid": "x"}).as_dict(private=False),
        OctKey.generate_key(256, {"kid": "x"}).as_dict(private=True),
        RSA.as_dict(private=False) | {"kid": "x", "use": "enc"},
        RSA.as_dict(private=False) | {"kid": "x", "n": "!"},
        {"kty": "RSA", "kid": "x"},
        {"kty": "EC", "kid": "x", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": ["RSA"], "kid": "x"},
        {"kty": "RSA", "kid": 5},
        {},
        None,
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_key_that_we_do_not_use_is_left_out_and_the_others_stay(
    provider: UpstreamProvider, upstream: MemoryUpstream, jwk: Any
) -> None:
    upstream.keys = {"keys": [jwk, EC.as_dict(private=False)]}
    assert provider.key("x") is None
    assert provider.key("ec") is not None


def test_of_two_keys_with_one_id_neither_is_known(provider: UpstreamProvider, upstream: MemoryUpstream) -> None:
    upstream.keys = {"keys": [RSA.as_dict(private=False), EC.as_dict(private=False) | {"kid": "rsa"}]}
    assert provider.key("rsa") is None


@pytest.mark.parametrize("document", [{}, {"keys": {}}, {"keys": None}, {"keys": [{}] * (MAX_KEYS + 1)}])
def test_what_is_no_key_set_is_refused(
    provider: UpstreamProvider, upstream: MemoryUpstream, document: dict[str, Any]
) -> None:
    upstream.keys = document
    with pytest.raises(UpstreamUnavailable):
        provider.key("rsa")


def test_as_many_keys_as_are_read_are_read(provider: UpstreamProvider, upstream: MemoryUpstream) -> None:
    upstream.keys = {"keys": [*[{}] * (MAX_KEYS - 1), RSA.as_dict(private=False)]}
    assert provider.key("rsa") is not None
