"""A realm of a real Keycloak, the people and relying parties in it, and those who change it by hand."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pyotp
from authlib.integrations.requests_client import OAuth2Session
from keycloak import KeycloakAdmin

from portal.demo.browser import Browser, Page
from sso.accounts.domain import ProofingLevel
from sso.keycloak.desired import RealmTerms, desired_realm
from sso.keycloak.plan import Desired, Plan
from sso.keycloak.provisioner import Provisioner
from sso.keycloak.realm import Kind
from sso.provider.domain import Client, RelyingSystem, Scope
from tests.fakes import MOMENT
from tests.interop.keycloak import Listener, Server
from tests.sso.keycloak.house import House
from trust.kernel.identifiers import Uscc
from trust.sealing import BlindIndex

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
        page = browser.submit(page, {"accept": ""})
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


BY_HAND: tuple[tuple[Callable[[Realm], None], Kind], ...] = (
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


def furnish_province(admin: KeycloakAdmin, address: str) -> None:
    """Make a plain realm the province's platform, with our service as a client whose addresses are under `address`."""
    mapper = "oidc-usermodel-attribute-mapper"
    admin.update_realm_users_profile(admin.get_realm_users_profile() | {"unmanagedAttributePolicy": "ENABLED"})
    admin.create_client(
        {
            "clientId": "yinxin",
            "secret": PROVINCE_SECRET,
            "redirectUris": [f"{address}/sso/upstream/province/callback"],
            "attributes": {
                "backchannel.logout.url": f"{address}/sso/upstream/province/logout",
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
