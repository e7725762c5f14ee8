"""A real Keycloak, both ways: as the organisation's own engine kept in step from our registrations, and as upstream.

Nothing here is a stand-in but the people: the realm is Keycloak's, the relying party is Authlib's stock client, the
register of persons and the desk for upstream sign-in are ours.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyotp
import pytest
from authlib.integrations.requests_client import OAuth2Session
from keycloak import KeycloakAdmin

from portal.demo.browser import Browser, Page
from sso.accounts.domain import ProofingLevel
from sso.keycloak.admin_client import KeycloakRealmAdmin
from sso.keycloak.assembly import open_providers
from sso.keycloak.client import AdminConnection
from sso.keycloak.desired import RealmTerms, desired_realm
from sso.keycloak.errors import UpstreamBrowserDiffers, UpstreamStateUnusable, UpstreamTokenInvalid
from sso.keycloak.plan import Action, Desired, Plan
from sso.keycloak.provisioner import Provisioner
from sso.keycloak.provisioning_errors import KeycloakNotAdmitted, RealmForeign, RealmObjectForeign
from sso.keycloak.realm import Kind, Place
from sso.provider.domain import Client, ClientAuthentication, RelyingSystem, Scope
from sso.provider.metadata import CLAIMS
from sso.signin.domain import Method, Session, Strength
from tests.fakes import MOMENT
from tests.interop.keycloak import ADMIN_CLIENT, ADMIN_SECRET, Listener, Server, listening, running
from tests.sso.keycloak.house import House, build, source_file
from trust.kernel.clock import SystemClock
from trust.kernel.identifiers import Uscc
from trust.sealing import BlindIndex

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("default::ResourceWarning")]

MARK = "https://zz.example.gov.cn"
TERMS = RealmTerms(realm="yinxin", mark=MARK, seconds=600)
INDEX = BlindIndex(b"i" * 32)
NUMBER = "11010519491231002X"  # the specimen of GB 11643
PASSWORD = "一个很长的密码 42"
PASSWORD_CREDENTIAL = {"type": "password", "value": PASSWORD, "temporary": False}
PROVINCE_SECRET = "the province gave us this"
OTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
REPRESENTS = {"kind": "legal", "name": "演示餐饮有限公司", "uscc": "91350100M000100Y43"}
SCOPES = frozenset({Scope.OPENID, Scope.PROFILE, Scope.IDENTITY, Scope.COUNTER_ASSIST})
PERSONAL = {"name", "holder_kind", "holder_number"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with listening() as opened:
        yield opened


def counter_system(number: int, address: str, **changes: Any) -> Client:
    """A counter system as it stands in our register."""
    relying = RelyingSystem(
        redirect_uris=(f"{address}/callback",),
        backchannel_logout_uri=f"{address}/logout",
        sector="127.0.0.1",
        matters=frozenset({"food-licence"}),
    )
    return Client(
        id=f"01JRP{number:021d}",
        label=f"窗口受理系统{number}",
        authority=Uscc.parse("91350100M000100Y43"),
        scopes=SCOPES,
        created_at=MOMENT,
        relying=replace(relying, **changes),
    )


@dataclass(kw_only=True)
class Realm:
    """The provisioned realm, and the hands of those who work on it."""

    server: Server
    provisioner: Provisioner
    admin: KeycloakAdmin
    clients: tuple[Client, ...]

    @property
    def desired(self) -> Desired:
        return desired_realm(TERMS, self.clients, INDEX)

    def plan(self, *, prune: bool = False) -> Plan:
        return self.provisioner.plan(self.desired, prune=prune)

    def apply(self, *, prune: bool = False) -> Plan:
        return self.provisioner.apply(self.plan(prune=prune), self.desired, prune=prune)

    def id_of(self, client: Client) -> str:
        return str(self.admin.get_client_id(client.id))


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


def citizen(admin: KeycloakAdmin, **more: Any) -> None:
    """A person as the organisation's own federation keeps them."""
    known = {"ial": ProofingLevel.DOCUMENT_CHECKED.urn, "holder_kind": "111", "holder_number": NUMBER}
    # A one-time code is good once in 30 seconds, so only one test may ask for one.
    otp = {
        "type": "otp",
        "secretData": json.dumps({"value": OTP_SECRET}),
        "credentialData": json.dumps(
            {"subType": "totp", "period": 30, "digits": 6, "algorithm": "HmacSHA1", "secretEncoding": "BASE32"}
        ),
    }
    admin.create_user(
        {
            "username": "zhang",
            "enabled": True,
            "firstName": "张三",
            "attributes": known | {"represents": json.dumps(REPRESENTS)},
            "credentials": [PASSWORD_CREDENTIAL, otp],
        }
        | more
    )


def signed_in(browser: Browser, address: str) -> Page:
    """Go through Keycloak's pages as a person does: password, then consent where it is asked for."""
    page = browser.get(address)
    if any("password" in form.fields for form in page.forms):
        page = browser.submit(page, {"username": "zhang", "password": PASSWORD})
    if any("otp" in form.fields for form in page.forms):
        page = browser.submit(page, {"otp": pyotp.TOTP(OTP_SECRET).now()})
    if any("accept" in dict(form.buttons) for form in page.forms):
        page = browser.submit(page, {}, button="accept")
    return page


def payload(token: str) -> dict[str, Any]:
    segment = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return claims


@dataclass(kw_only=True)
class RelyingParty:
    """Authlib's client, configured with nothing but what its operator gets."""

    realm: Realm
    client: Client
    listener: Listener

    @property
    def endpoints(self) -> str:
        return f"{self.realm.server.address}/realms/{TERMS.realm}/protocol/openid-connect"

    def sign_in(self, browser: Browser, **parameters: str) -> dict[str, Any]:
        secret = self.realm.admin.get_client_secrets(self.realm.id_of(self.client))["value"]
        verifier = "v" * 64
        assert self.client.relying is not None
        with OAuth2Session(
            self.client.id,
            secret,
            redirect_uri=self.client.relying.redirect_uris[0],
            scope="openid profile identity",
            code_challenge_method="S256",
        ) as session:
            address, _ = session.create_authorization_url(
                f"{self.endpoints}/auth", code_verifier=verifier, nonce="n", **parameters
            )
            signed_in(browser, address)
            answer: dict[str, Any] = session.fetch_token(
                f"{self.endpoints}/token", code=self.listener.queries[-1]["code"][0], code_verifier=verifier
            )
            return answer | {"userinfo": session.get(f"{self.endpoints}/userinfo").json()}


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
    assert set(claims) - set(CLAIMS) == {"jti", "typ"}  # Keycloak's own two
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


def _open_password_grant(realm: Realm) -> None:
    realm.admin.update_client(realm.id_of(realm.clients[0]), {"directAccessGrantsEnabled": True})


def _widen_redirects(realm: Realm) -> None:
    realm.admin.update_client(realm.id_of(realm.clients[0]), {"redirectUris": ["https://evil.example/*"]})


def _drop_pkce(realm: Realm) -> None:
    identifier = realm.id_of(realm.clients[0])
    document = realm.admin.get_client(identifier)
    document["attributes"]["pkce.code.challenge.method"] = ""
    realm.admin.update_client(identifier, document)


def _tell_numbers_to_resources(realm: Realm) -> None:
    scope = realm.admin.get_client_scope_by_name("identity")
    assert scope is not None
    mapper = next(each for each in scope["protocolMappers"] if each["name"] == "holder_number")
    mapper["config"]["access.token.claim"] = "true"
    realm.admin.update_mapper_in_client_scope(scope["id"], mapper["id"], mapper)


def _delete_pairwise(realm: Realm) -> None:
    identifier = realm.id_of(realm.clients[0])
    (mapper,) = realm.admin.get_mappers_from_client(identifier)
    realm.admin.remove_client_mapper(identifier, mapper["id"])


def _delete_role(realm: Realm) -> None:
    realm.admin.delete_client_role(realm.id_of(realm.clients[0]), "matter:food-licence")


def _delete_scope(realm: Realm) -> None:
    scope = realm.admin.get_client_scope_by_name("identity")
    assert scope is not None
    realm.admin.delete_client_scope(scope["id"])


def _open_registration(realm: Realm) -> None:
    realm.admin.update_realm(TERMS.realm, {"registrationAllowed": True})


def _unbind_flow(realm: Realm) -> None:
    realm.admin.update_realm(TERMS.realm, {"browserFlow": "browser"})


def _skip_a_step(realm: Realm) -> None:
    steps = realm.admin.get_authentication_flow_executions("yinxin sign-in")
    step = next(each for each in steps if each.get("providerId") == "auth-otp-form")
    realm.admin.update_authentication_flow_executions(step | {"requirement": "DISABLED"}, "yinxin sign-in")


def _let_people_write_their_level(realm: Realm) -> None:
    profile = realm.admin.get_realm_users_profile()
    for each in profile["attributes"]:
        if each["name"] == "ial":
            each["permissions"]["edit"] = ["admin", "user"]
    realm.admin.update_realm_users_profile(profile)


BY_HAND = (
    (_open_password_grant, Kind.CLIENT),
    (_widen_redirects, Kind.CLIENT),
    (_drop_pkce, Kind.CLIENT),
    (_tell_numbers_to_resources, Kind.SCOPE_MAPPER),
    (_delete_pairwise, Kind.CLIENT_MAPPER),
    (_delete_role, Kind.ROLE),
    (_delete_scope, Kind.SCOPE),
    (_open_registration, Kind.REALM),
    (_unbind_flow, Kind.FLOW),
    (_skip_a_step, Kind.FLOW),
    (_let_people_write_their_level, Kind.USER_ATTRIBUTE),
)


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


@dataclass(kw_only=True)
class Upstream:
    """The province's platform: a plain Keycloak realm with its own scopes, and our desk before it."""

    admin: KeycloakAdmin
    house: House
    listener: Listener
    name: str = "province"

    def sign_in(self, browser: Browser, binding: str = "browser") -> dict[str, list[str]]:
        signed_in(browser, self.house.desk.begin(self.name, binding))
        return self.listener.queries[-1]


@pytest.fixture(scope="module")
def province(server: Server, listener: Listener) -> Iterator[KeycloakAdmin]:
    master = server.admin("master")
    master.create_realm({"realm": "province", "enabled": True})
    admin = server.admin("province")
    mapper = "oidc-usermodel-attribute-mapper"
    admin.update_realm_users_profile(admin.get_realm_users_profile() | {"unmanagedAttributePolicy": "ENABLED"})
    admin.create_client(
        {
            "clientId": "yinxin",
            "secret": PROVINCE_SECRET,
            "redirectUris": [f"{listener.address}/sso/upstream/province/callback"],
            "attributes": {
                "backchannel.logout.url": f"{listener.address}/sso/upstream/province/logout",
                "backchannel.logout.session.required": "true",
            },
            "protocolMappers": [
                {
                    "name": name,
                    "protocol": "openid-connect",
                    "protocolMapper": mapper,
                    "config": {"user.attribute": name, "claim.name": name, "id.token.claim": "true"},
                }
                for name in ("holder_kind", "holder_number")
            ],
        }
    )
    citizen(admin, email="zhang@example.gov.cn", lastName="张三", credentials=[PASSWORD_CREDENTIAL])
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
    (form,) = upstream.listener.forms
    assert upstream.house.desk.log_out("province", form["logout_token"][0]) == 1
    assert upstream.house.revocations.first_cut(session.ties) is not None
    with pytest.raises(UpstreamTokenInvalid):
        upstream.house.desk.log_out("province", form["logout_token"][0])


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
