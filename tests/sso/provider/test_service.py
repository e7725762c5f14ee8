import hashlib

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from sso.provider.domain import LABEL_CHARACTERS, Client, SecretDigest, parse_scopes
from sso.provider.errors import ClientDisabled, ClientLabelInvalid, ClientUnknown, ScopeUnknown
from sso.provider.messages import FORM_MEDIA_TYPE, FormRequest
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.service import ClientRegistry
from tests.fakes import FixedClock
from tests.sso.provider.support import USCC, House
from trust.kernel.errors import TrustError
from trust.kernel.randomness import SystemRandomness


def register(house: House, scopes: str = "certs:issue certs:read") -> tuple[str, str]:
    registered = house.registry.register(label="许可系统", authority=USCC, scopes=scopes)
    return registered.client.id, registered.secret


def authenticate(house: House, identifier: str, secret: str) -> Client:
    form = {"client_id": [identifier], "client_secret": [secret]}
    request = FormRequest(media_type=FORM_MEDIA_TYPE, authorization="", form=form, has_query=False)
    return house.authenticator.authenticate(request)


def test_a_client_is_recognised_by_its_secret(house: House) -> None:
    identifier, secret = register(house)
    client = authenticate(house, identifier, secret)
    assert (client.id, client.label, str(client.authority)) == (identifier, "许可系统", USCC)
    assert client.scopes == {"certs:issue", "certs:read"}
    assert client == house.registry.get(identifier)


def test_a_secret_is_256_random_bits(house: House) -> None:
    registry = ClientRegistry(house.store, FixedClock(), SystemRandomness())
    secrets = {registry.register(label="a", authority=USCC, scopes="certs:read").secret for _ in range(5)}
    assert len(secrets) == 5
    assert {len(secret) for secret in secrets} == {43}


def test_only_the_digest_of_a_secret_is_kept(house: House) -> None:
    _, secret = register(house)
    with house.database.read() as session:
        rows = repr(session.execute(text("select * from sso_clients")).all())
    assert secret not in rows
    assert repr(hashlib.sha256(secret.encode()).digest()) in rows


def test_no_log_line_holds_a_secret(house: House) -> None:
    with capture_logs() as logs:
        identifier, secret = register(house)
        other = house.registry.rotate(identifier).secret
    assert logs
    assert secret not in repr(logs)
    assert other not in repr(logs)


def test_wrong_unknown_and_disabled_are_refused_alike(house: House) -> None:
    identifier, secret = register(house)
    disabled, disabled_secret = register(house)
    house.registry.disable(disabled)
    refusals = []
    for attempt in [(identifier, "x"), ("nobody", secret), (disabled, disabled_secret), (identifier, ""), ("", "")]:
        with pytest.raises(OAuthRefused) as refusal:
            authenticate(house, *attempt)
        refusals.append((refusal.value.error, refusal.value.description, refusal.value.status))
    assert len({repr(refusal) for refusal in refusals}) == 1


def test_rotation_ends_the_old_secret(house: House) -> None:
    identifier, old = register(house)
    new = house.registry.rotate(identifier).secret
    assert authenticate(house, identifier, new).id == identifier
    with pytest.raises(OAuthRefused):
        authenticate(house, identifier, old)


def test_disabling_is_for_good_and_the_first_moment_stands(house: House) -> None:
    identifier, _ = register(house)
    moment = house.registry.disable(identifier).disabled_at
    assert moment == house.clock.now()
    house.clock.advance(days=1)
    assert house.registry.disable(identifier).disabled_at == moment
    with pytest.raises(ClientDisabled):
        house.registry.rotate(identifier)


def test_operators_are_told_what_does_not_exist(house: House) -> None:
    for operation in (house.registry.get, house.registry.rotate, house.registry.disable):
        with pytest.raises(ClientUnknown):
            operation("nobody")


def test_clients_are_listed_oldest_first(house: House) -> None:
    first, _ = register(house)
    house.clock.advance(seconds=1)
    second, _ = register(house)
    assert [client.id for client in house.registry.clients()] == [first, second]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"label": ""}, "client-label-invalid", "label"),
        ({"label": "a\nb"}, "client-label-invalid", "label"),
        ({"label": "a" * (LABEL_CHARACTERS + 1)}, "client-label-invalid", "label"),
        ({"label": "窗口 11010519491231002X"}, "personal-number-in-text", "label"),
        ({"scopes": ""}, "scope-unknown", "scope"),
        ({"scopes": "certs:all"}, "scope-unknown", "scope"),
        ({"scopes": "certs:read  certs:issue"}, "scope-unknown", "scope"),
        ({"authority": USCC[:-1] + "4"}, "uscc-check", "authority"),
    ],
)
def test_each_bad_registration_has_its_code(house: House, change: dict[str, str], code: str, field: str) -> None:
    arguments = {"label": "a", "authority": USCC, "scopes": "certs:read"} | change
    with pytest.raises(TrustError) as refusal:
        house.registry.register(**arguments)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert not house.registry.clients()


def test_the_longest_label_is_accepted(house: House) -> None:
    assert house.registry.register(label="a" * LABEL_CHARACTERS, authority=USCC, scopes="certs:read").client.label


def test_a_client_cannot_be_without_scope() -> None:
    with pytest.raises(ScopeUnknown):
        parse_scopes("")
    assert ClientLabelInvalid.code == "client-label-invalid"


def test_digests_are_compared_whole() -> None:
    assert SecretDigest.of("a").matches("a")
    assert not SecretDigest.of("a").matches("b")
