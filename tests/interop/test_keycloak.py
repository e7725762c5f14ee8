"""A real Keycloak, both ways: as the organisation's own engine kept in step from our registrations, and as upstream.

Nothing here is a stand-in but the people: the realm is Keycloak's, the relying party is Authlib's stock client, the
register of persons and the desk for upstream sign-in are ours.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from keycloak import KeycloakAdmin

from portal.commands.keycloak import keycloak
from portal.demo import data
from portal.demo.browser import Browser
from portal.telemetry import configure_logging
from sso.accounts.domain import ProofingLevel
from sso.keycloak.admin_client import KeycloakRealmAdmin
from sso.keycloak.assembly import open_providers
from sso.keycloak.client import AdminConnection
from sso.keycloak.desired import desired_realm
from sso.keycloak.errors import UpstreamBrowserDiffers, UpstreamStateUnusable, UpstreamTokenInvalid
from sso.keycloak.plan import Action
from sso.keycloak.provisioner import Provisioner
from sso.keycloak.provisioning_errors import KeycloakNotAdmitted, RealmForeign, RealmObjectForeign
from sso.keycloak.realm import Kind, Place
from sso.provider.domain import ClientAuthentication, RelyingSystem
from sso.provider.metadata import CLAIMS
from sso.signin.domain import Method, Session, Strength
from tests.fakes import MOMENT
from tests.interop.conftest import PUBLIC_URL, found
from tests.interop.keycloak import ADMIN_CLIENT, ADMIN_SECRET, Listener, Server, listening, running
from tests.interop.keycloak_realm import (
    BY_HAND,
    INDEX,
    MARK,
    NUMBER,
    PERSONAL,
    PROVINCE_SECRET,
    REPRESENTS,
    TERMS,
    Realm,
    RelyingParty,
    Upstream,
    citizen,
    counter_system,
    furnish_province,
    payload,
)
from tests.sso.keycloak.house import build, source_file
from trust.kernel.clock import SystemClock

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default::ResourceWarning")]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as opened:
        yield opened


@pytest.fixture(scope="module")
def provisioned(server: Server, listener: Listener) -> Iterator[Realm]:
    connection = AdminConnection(server.address, client_id=ADMIN_CLIENT, secret=ADMIN_SECRET)
    made = Realm(
        server=server,
        provisioner=Provisioner(KeycloakRealmAdmin(connection, realm=TERMS.realm, mark=MARK)),
        admin=server.admin(TERMS.realm),
        clients=(counter_system(1, listener.address), counter_system(2, listener.address)),
    )
    left = made.apply()
    assert left.in_step, left.changes
    citizen(made.admin)
    yield made
    made.admin.delete_realm(TERMS.realm)


@pytest.fixture
def realm(provisioned: Realm) -> Iterator[Realm]:
    """The realm in step with two registrations, whatever the test before left behind."""
    registered = provisioned.clients
    yield provisioned
    provisioned.clients = registered
    if provisioned.plan(prune=True).changes:
        assert provisioned.apply(prune=True).in_step


@pytest.fixture
def browser() -> Iterator[Browser]:
    opened = Browser()
    yield opened
    opened.close()


def test_a_second_run_changes_nothing(realm: Realm) -> None:
    plan = realm.plan()
    assert (plan.changes, plan.extra, plan.foreign, plan.skipped) == ((), (), (), ())


def test_a_stock_client_gets_the_claims_that_we_give(realm: Realm, listener: Listener, browser: Browser) -> None:
    answer = RelyingParty(realm=realm, client=realm.clients[0], listener=listener).sign_in(browser)
    claims = payload(answer["id_token"])
    assert claims["ial"] == "urn:yinxin:ial:2"
    assert claims["acr"] == "urn:yinxin:aal:1"
    assert claims["amr"] == ["pwd"]
    assert claims["represents"] == REPRESENTS
    assert (claims["name"], claims["holder_kind"], claims["holder_number"]) == ("张三", "111", NUMBER)
    assert claims["aud"] == realm.clients[0].id
    assert set(claims) - set(CLAIMS) <= {"jti", "typ", "azp", "at_hash"}  # of the protocol, not of the person
    assert {"ial", *PERSONAL} <= set(answer["userinfo"])
    assert not PERSONAL & set(payload(answer["access_token"]))
    assert answer["expires_in"] == TERMS.seconds


def test_coming_back_with_the_session_keeps_the_level_of_sign_in(
    realm: Realm, listener: Listener, browser: Browser
) -> None:
    party = RelyingParty(realm=realm, client=realm.clients[0], listener=listener)
    first, second = (payload(party.sign_in(browser)["id_token"]) for _ in range(2))
    assert (second["acr"], second["amr"]) == (first["acr"], first["amr"])
    assert (second["sub"], second["auth_time"]) == (first["sub"], first["auth_time"])


def test_a_second_factor_steps_the_session_up(realm: Realm, listener: Listener, browser: Browser) -> None:
    party = RelyingParty(realm=realm, client=realm.clients[0], listener=listener)
    party.sign_in(browser)
    claims = payload(party.sign_in(browser, acr_values=Strength.ONE_TIME_CODE.urn)["id_token"])
    assert claims["acr"] == "urn:yinxin:aal:2"
    assert set(claims["amr"]) == {"pwd", "otp"}


def test_systems_of_one_sector_know_a_person_by_one_name_and_others_by_another(
    realm: Realm, listener: Listener, browser: Browser
) -> None:
    realm.clients += (counter_system(3, listener.address, sector="other.example.gov.cn"),)
    assert realm.apply().in_step
    subjects = []
    for client in realm.clients:
        party = RelyingParty(realm=realm, client=client, listener=listener)
        subjects.append(payload(party.sign_in(browser)["id_token"])["sub"])
    assert subjects[0] == subjects[1] != subjects[2]


def test_nobody_writes_who_they_are_themselves(realm: Realm) -> None:
    profile = {each["name"]: each for each in realm.admin.get_realm_users_profile()["attributes"]}
    for name in ("ial", "holder_kind", "holder_number", "represents", "firstName"):
        assert profile[name]["permissions"]["edit"] == ["admin"]


def test_what_was_changed_by_hand_is_told_and_put_back(realm: Realm) -> None:
    for change, kind in BY_HAND:
        change(realm)
        plan = realm.plan()
        assert kind in {each.place.kind for each in plan.changes}, change.__name__
        left = realm.apply()
        assert left.in_step, (change.__name__, left.changes)


def test_what_others_made_stays(realm: Realm) -> None:
    identifier = realm.admin.create_client({"clientId": "canteen", "redirectUris": ["https://canteen.example/*"]})
    realm.admin.create_client_role(realm.id_of(realm.clients[0]), {"name": "of their own"})
    assert realm.plan(prune=True).in_step
    assert realm.apply(prune=True).in_step
    assert realm.admin.get_client(identifier)["redirectUris"] == ["https://canteen.example/*"]
    assert realm.admin.get_client_role_id(realm.id_of(realm.clients[0]), "of their own")


def test_a_client_of_others_under_our_name_stops_everything(realm: Realm, listener: Listener) -> None:
    third = counter_system(3, listener.address)
    identifier = realm.admin.create_client({"clientId": third.id})
    realm.clients += (third,)
    plan = realm.plan()
    assert plan.foreign == (Place(kind=Kind.CLIENT, name=third.id),)
    assert not plan.changes
    with pytest.raises(RealmObjectForeign):
        realm.apply()
    realm.admin.delete_client(identifier)


def test_only_pruning_deletes_and_only_ours(realm: Realm) -> None:
    gone = realm.clients[1]
    realm.clients = realm.clients[:1]
    plan = realm.plan()
    assert plan.in_step
    assert plan.extra == (Place(kind=Kind.CLIENT, name=gone.id),)
    pruned = realm.plan(prune=True)
    assert [(each.action, each.place.name) for each in pruned.changes] == [(Action.DELETE, gone.id)]
    assert realm.apply(prune=True).in_step
    assert realm.admin.get_client_id(gone.id) is None


def test_a_disabled_registration_is_shut_in_keycloak(realm: Realm) -> None:
    shut = replace(realm.clients[1], disabled_at=MOMENT)
    realm.clients = (realm.clients[0], shut)
    assert realm.apply().in_step
    assert realm.admin.get_client(realm.id_of(shut))["enabled"] is False


def test_keys_instead_of_a_secret_are_carried_over(realm: Realm, listener: Listener) -> None:
    keys = json.dumps({"keys": []})
    by_key = {"authentication": ClientAuthentication.PRIVATE_KEY_JWT, "jwks": keys, "par_required": True}
    realm.clients += (counter_system(4, listener.address, **by_key, dpop_required=True),)
    assert realm.apply().in_step
    made = realm.admin.get_client(realm.id_of(realm.clients[-1]))
    assert made["clientAuthenticatorType"] == "client-jwt"
    assert made["attributes"]["jwks.string"] == keys
    assert made["attributes"]["dpop.bound.access.tokens"] == "true"
    assert made["attributes"]["require.pushed.authorization.requests"] == "true"


def test_a_realm_of_others_is_never_touched(server: Server) -> None:
    admin = server.admin("master")
    admin.create_realm({"realm": "theirs", "enabled": True})
    connection = AdminConnection(server.address, client_id=ADMIN_CLIENT, secret=ADMIN_SECRET)
    provisioner = Provisioner(KeycloakRealmAdmin(connection, realm="theirs", mark=MARK))
    with pytest.raises(RealmForeign):
        provisioner.plan(desired_realm(replace(TERMS, realm="theirs"), (), INDEX))
    admin.delete_realm("theirs")


def test_a_wrong_secret_is_refused_without_being_told(server: Server) -> None:
    connection = AdminConnection(server.address, client_id=ADMIN_CLIENT, secret="not the secret")
    with pytest.raises(KeycloakNotAdmitted) as caught:
        KeycloakRealmAdmin(connection, realm="yinxin", mark=MARK).read()
    assert "not the secret" not in str(caught.value) + str(caught.value.facts)


@pytest.fixture(scope="module")
def province(server: Server, listener: Listener) -> Iterator[KeycloakAdmin]:
    master = server.admin("master")
    master.create_realm({"realm": "province", "enabled": True})
    admin = server.admin("province")
    furnish_province(admin, listener.address)
    yield admin
    master.delete_realm("province")


@pytest.fixture
def upstream(province: KeycloakAdmin, server: Server, listener: Listener, tmp_path: Path) -> Iterator[Upstream]:
    issuer = f"{server.address}/realms/province"
    names = {"name": "family_name"}
    file = source_file(tmp_path, secret=PROVINCE_SECRET, issuer=issuer, acr={"1": 1}, claims=names)
    clock = SystemClock()
    house = build(tmp_path, open_providers(file, clock), public_url=listener.address, clock=clock)
    listener.forms.clear()
    yield Upstream(admin=province, house=house, listener=listener)
    house.database.close()


def test_the_upstream_signs_a_person_in(upstream: Upstream, browser: Browser) -> None:
    answer = upstream.sign_in(browser)
    assert "iss" in answer  # Keycloak names itself (RFC 9207), and the desk insists on it
    sign_in = upstream.house.desk.finish("province", answer, "browser")
    assert sign_in.person.name == "张三"
    assert sign_in.person.code.number == NUMBER
    assert sign_in.person.level is ProofingLevel.DOCUMENT_CHECKED
    assert sign_in.strength is Strength.PASSWORD
    assert sign_in.methods[0] is Method.UPSTREAM
    again = upstream.house.desk.finish("province", upstream.sign_in(browser), "browser")
    assert again.person.id == sign_in.person.id
    assert again.origin == sign_in.origin


def test_an_answer_is_good_once_and_in_its_own_browser(upstream: Upstream, browser: Browser) -> None:
    answer = upstream.sign_in(browser)
    with pytest.raises(UpstreamBrowserDiffers):
        upstream.house.desk.finish("province", answer, "another browser")
    upstream.house.desk.finish("province", answer, "browser")
    with pytest.raises(UpstreamStateUnusable):
        upstream.house.desk.finish("province", answer, "browser")


def test_the_upstreams_logout_ends_our_session(
    upstream: Upstream, browser: Browser, session_of: Callable[[str], Session]
) -> None:
    sign_in = upstream.house.desk.finish("province", upstream.sign_in(browser), "browser")
    session = session_of(sign_in.person.id)
    upstream.house.desk.opened(sign_in, session)
    upstream.admin.user_logout(str(upstream.admin.get_user_id("zhang")))
    tokens = [form["logout_token"][0] for form in upstream.listener.forms]  # one for each browser of this module
    assert sum(upstream.house.desk.log_out("province", token) for token in tokens) == 1
    assert upstream.house.revocations.first_cut(session.ties) is not None
    with pytest.raises(UpstreamTokenInvalid):
        upstream.house.desk.log_out("province", tokens[0])


@pytest.fixture
def session_of() -> Callable[[str], Session]:
    def opened(person: str) -> Session:
        now = SystemClock().now()
        return Session(
            id="01JSESSION0000000000000000",
            person=person,
            person_epoch=1,
            strength=Strength.PASSWORD,
            methods=(Method.UPSTREAM,),
            auth_time=now,
            created_at=now,
            last_seen_at=now,
            expires_at=now.replace(year=now.year + 1),
            client="test",
        )

    return opened


def test_the_command_line_shows_asks_applies_and_then_has_nothing_to_do(
    server: Server, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "keycloak.secret"
    secret.write_text(ADMIN_SECRET)
    secret.chmod(0o600)
    installation = found(tmp_path / "home")
    relying = RelyingSystem(redirect_uris=(f"{listener.address}/callback",), matters=frozenset())
    registered = installation.clients.register_relying(
        label="窗口受理系统", authority=data.AUTHORITY, scopes="openid profile", relying=relying
    )
    installation.close()
    for name, value in (
        ("HOME", tmp_path / "home"),
        ("PUBLIC_URL", PUBLIC_URL),
        ("KEYCLOAK_URL", server.address),
        ("KEYCLOAK_REALM", "by-command"),
        ("KEYCLOAK_ADMIN_SECRET_FILE", secret),
    ):
        monkeypatch.setenv(f"YINXIN_{name}", str(value))
    configure_logging("warning")  # as the command itself begins: standard output is for the result
    runner = CliRunner()
    planned = runner.invoke(keycloak, ["plan", "--json"], catch_exceptions=False)
    assert not json.loads(planned.stdout)["in_step"]
    assert runner.invoke(keycloak, ["apply"], input="n\n").exit_code == 1
    assert not json.loads(runner.invoke(keycloak, ["plan", "--json"], catch_exceptions=False).stdout)["in_step"]
    applied = runner.invoke(keycloak, ["apply", "--yes"], catch_exceptions=False)
    assert f"create client {registered.client.id} (窗口受理系统)" in applied.stdout
    assert applied.stdout.splitlines()[-1] == "Realm by-command is in step with the registrations."
    again = runner.invoke(keycloak, ["plan"], catch_exceptions=False)
    assert again.stdout == "Realm by-command is in step with the registrations.\n"
    for told in (planned, applied):
        assert ADMIN_SECRET not in told.output
        assert registered.secret not in told.output
    server.admin("by-command").delete_realm("by-command")
