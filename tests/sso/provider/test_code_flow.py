"""Codes at the token endpoint: every line of the identity guide's section 2 that is about them, and RFC 9700."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from sso.provider.domain import ClientAuthentication, Registered
from sso.provider.errors import TokenKeyUnusable
from sso.provider.grants import CODE_SECONDS
from sso.revocation.domain import Tie, TieKind
from tests.sso.provider.dpop_proof import new_key, proof
from tests.sso.provider.journey import (
    REDIRECT,
    SCOPES,
    VERIFIER,
    browser,
    error_of,
    granted,
    mandate,
    post,
    redeem,
    register,
    session,
    settle,
    signed_in,
)
from tests.sso.provider.support import ISSUER, USCC, House, claims_of
from trust.kernel.errors import NotAuthenticated
from trust.keys import KeyPurpose, KeyRef, Signature, SigningRequest


def alive(house: House, token: str) -> bool:
    try:
        house.reader.read(token)
    except NotAuthenticated:
        return False
    return True


def test_a_sign_in_gives_the_tokens_that_were_granted(house: House, who: Registered) -> None:
    answer = redeem(house, who, granted(house, who.client.id))
    body = answer.get_json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert set(body) == {"access_token", "id_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "certs:read openid profile")


def test_the_id_token_says_what_openid_asks_for(house: House, who: Registered) -> None:
    tokens = signed_in(house, who)
    now = int(house.clock.now().timestamp())
    claims = claims_of(tokens["id_token"])
    subject = house.subjects.subject("P1", sector="counter.example")
    assert claims == {
        "iss": ISSUER,
        "sub": subject,
        "aud": who.client.id,  # one string: a list of one leaves Authlib's logout without a client
        "iat": now,
        "exp": now + 300,
        "auth_time": now,
        "acr": "urn:yinxin:aal:1",
        "amr": ["pwd"],
        "ial": "urn:yinxin:ial:2",
        "nonce": "n-0S6_WzA2Mj",
        "sid": house.subjects.session("S1", client=who.client.id),
    }
    assert claims_of(tokens["access_token"])["sub"] == subject


def test_both_tokens_are_signed_with_one_use_of_the_key(
    house: House, who: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    sign_many = house.signer.sign_many

    def counted(key: KeyRef, requests: Sequence[SigningRequest], *, purpose: KeyPurpose) -> tuple[Signature, ...]:
        calls.append(len(requests))
        return sign_many(key, requests, purpose=purpose)

    monkeypatch.setattr(house.signer, "sign_many", counted)
    signed_in(house, who)
    assert calls == [2]


def test_every_life_is_ours_and_not_the_librarys(house: House, who: Registered) -> None:
    tokens = signed_in(house, who)
    for token in (tokens["access_token"], tokens["id_token"]):
        claims = claims_of(token)
        assert claims["exp"] - claims["iat"] == 300


def test_without_openid_there_is_no_id_token(house: House, who: Registered) -> None:
    assert "id_token" not in signed_in(house, who, scope="profile")


def test_no_personal_number_and_no_name_stands_in_a_token_of_a_citizen(house: House, who: Registered) -> None:
    tokens = signed_in(house, who, scope=SCOPES)
    text = "".join(json.dumps(claims_of(tokens[name]), ensure_ascii=False) for name in ("access_token", "id_token"))
    assert not any(secret in text for secret in ("11010519491231002X", "王小明", '"P1"', '"S1"'))


def test_a_code_works_once_and_its_replay_ends_what_it_gave(house: House, who: Registered) -> None:
    code = granted(house, who.client.id)
    first = redeem(house, who, code).get_json()
    assert alive(house, first["access_token"])
    assert error_of(redeem(house, who, code)) == (400, "invalid_grant")
    assert not alive(house, first["access_token"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_request"),
        ({"code_verifier": "v" * 42}, "invalid_request"),
        ({"code_verifier": VERIFIER + "\n"}, "invalid_grant"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
    ],
)
def test_a_failed_redemption_burns_the_code(house: House, who: Registered, change: dict[str, str], error: str) -> None:
    code = granted(house, who.client.id)
    assert error_of(redeem(house, who, code, **change)) == (400, error)
    assert error_of(redeem(house, who, code)) == (400, "invalid_grant")


def test_a_verifier_without_a_challenge_cannot_happen(house: House, who: Registered) -> None:
    """PKCE downgrade: no code exists without a challenge, whatever kind its client is (see test_authorize)."""
    with house.database.connect() as connection:
        granted(house, who.client.id)
        (kept,) = connection.exec_driver_sql("select challenge from sso_codes").scalars()
    assert len(kept) == 43


def test_another_clients_code_is_refused_and_stays_good_for_its_own(house: House, who: Registered) -> None:
    thief = register(house, resource="https://thief.example/")
    code = granted(house, who.client.id)
    assert error_of(redeem(house, thief, code)) == (400, "invalid_grant")
    assert redeem(house, who, code).status_code == 200


def test_a_code_lives_a_minute(house: House, who: Registered) -> None:
    young, old = granted(house, who.client.id), granted(house, who.client.id)
    house.clock.advance(seconds=CODE_SECONDS - 1)
    assert redeem(house, who, young).status_code == 200
    house.clock.advance(seconds=1)
    assert error_of(redeem(house, who, old)) == (400, "invalid_grant")


@pytest.mark.parametrize("code", ["", "x", "x" * 43, "x" * 42, "一" * 43, "\0" * 43])
def test_a_guessed_code_opens_nothing(house: House, who: Registered, code: str) -> None:
    assert error_of(redeem(house, who, code)) == (400, "invalid_grant")


def test_a_sign_out_between_code_and_token_is_heeded(house: House, who: Registered) -> None:
    code = granted(house, who.client.id)
    house.revocations.cut([Tie(TieKind.SESSION, "S1")], reason="test", at=house.clock.now())
    assert error_of(redeem(house, who, code)) == (400, "invalid_grant")


def test_a_session_that_runs_out_gives_no_tokens_and_no_error_of_ours(house: House, who: Registered) -> None:
    brief = session(house)
    code = granted(house, who.client.id, brief)
    assert redeem(house, who, code).status_code == 200

    brief = session(house, expires_at=house.clock.now() + timedelta(seconds=5))
    code = granted(house, who.client.id, brief)
    house.clock.advance(seconds=5)
    assert error_of(redeem(house, who, code)) == (400, "invalid_grant")


def test_no_token_outlives_its_session(house: House, who: Registered) -> None:

    brief = session(house, expires_at=house.clock.now() + timedelta(seconds=20))
    assert redeem(house, who, granted(house, who.client.id, brief)).get_json()["expires_in"] == 20


def test_disabling_the_client_ends_its_tokens(house: House, who: Registered) -> None:
    token = signed_in(house, who)["access_token"]
    house.registry.disable(who.client.id)
    assert not alive(house, token)


@pytest.mark.parametrize("kind", [TieKind.SESSION, TieKind.PERSON, TieKind.GRANT, TieKind.TOKEN])
def test_every_tie_of_a_token_ends_it(house: House, who: Registered, kind: TieKind) -> None:
    token = signed_in(house, who)["access_token"]
    (tie,) = (tie for tie in house.reader.read(token).contents.ties if tie.kind is kind)
    house.revocations.cut([tie], reason="test", at=house.clock.now())
    assert not alive(house, token)


def test_a_token_for_another_names_both_and_ends_with_the_mandate(house: House, who: Registered) -> None:
    mandate(house)
    tokens = redeem(house, who, granted(house, who.client.id, represents="M1")).get_json()
    expected = {
        "sub": house.subjects.subject("P9", sector="counter.example"),
        "kind": "legal",
        "name": "某某餐饮有限公司",
        "uscc": USCC,
        "mandate": {"id": "M1", "kind": "legal-representative"},
    }
    assert claims_of(tokens["access_token"])["represents"] == expected
    assert claims_of(tokens["id_token"])["represents"] == expected
    represents = house.reader.read(tokens["access_token"]).contents.represents
    assert represents is not None
    assert (represents.person, represents.mandate, represents.uscc) == ("P9", "M1", USCC)
    house.revocations.cut([Tie(TieKind.MANDATE, "M1")], reason="test", at=house.clock.now())
    assert not alive(house, tokens["access_token"])


def test_the_name_of_a_represented_person_is_not_in_the_token(house: House, who: Registered) -> None:
    mandate(house, principal="P2")
    token = redeem(house, who, granted(house, who.client.id, represents="M1")).get_json()["access_token"]
    claim = claims_of(token)["represents"]
    assert (claim["kind"], "name" in claim, "uscc" in claim) == ("natural", False, False)
    represents = house.reader.read(token).contents.represents
    assert represents is not None
    assert represents.name == "李四"


def test_a_mandate_narrows_the_types_and_bounds_the_time(house: House, who: Registered) -> None:

    until = house.clock.now() + timedelta(seconds=30)
    mandate(house, types=frozenset({"food-licence", "unrelated"}), valid_until=until)
    answer = redeem(house, who, granted(house, who.client.id, represents="M1")).get_json()
    contents = house.reader.read(answer["access_token"]).contents
    assert (contents.types, answer["expires_in"]) == ({"food-licence"}, 30)


def test_a_public_client_needs_its_verifier_and_nothing_else(house: House) -> None:
    settle(house)
    public = register(house, authentication=ClientAuthentication.NONE)
    assert public.secret == ""
    code = granted(house, public.client.id)
    assert redeem(house, public, code).status_code == 200
    code = granted(house, public.client.id)
    assert error_of(redeem(house, public, code, client_secret="x")) == (401, "invalid_client")
    answer = post(house, "/oauth/token", {"grant_type": "client_credentials"}, public)
    assert error_of(answer) == (400, "unauthorized_client")


def test_a_departments_system_without_sign_in_has_no_use_for_codes(house: House, who: Registered) -> None:
    plain = house.registry.register(label="A", authority=USCC, scopes="certs:read")
    for form in (
        {"grant_type": "authorization_code", "code": "x"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ):
        assert error_of(post(house, "/oauth/token", form, plain)) == (400, "unauthorized_client")


def test_two_clients_in_one_request_are_refused_before_anything_is_consumed(house: House, who: Registered) -> None:
    code = granted(house, who.client.id)
    other = register(house, resource="https://other.example/")
    answer = browser(house).post(
        "/oauth/token",
        data={"grant_type": "authorization_code", "code": code, "client_id": other.client.id},
        auth=(who.client.id, who.secret),
    )
    assert error_of(answer) == (400, "invalid_request")
    assert redeem(house, who, code).status_code == 200


def test_a_person_cannot_be_asked_through_client_credentials(house: House, who: Registered) -> None:
    for scope in ("openid", "identity", "counter:assist", "profile", "certs:read", ""):
        answer = post(house, "/oauth/token", {"grant_type": "client_credentials", "scope": scope}, who)
        assert error_of(answer) == (400, "invalid_scope")
    counter = register(house, f"{SCOPES} counter:assist", resource="https://hall.example/")
    granted_scope = post(house, "/oauth/token", {"grant_type": "client_credentials"}, counter).get_json()["scope"]
    assert granted_scope == "counter:assist"


def test_a_signer_that_refuses_leaves_no_token(house: House, who: Registered, monkeypatch: pytest.MonkeyPatch) -> None:

    def refuse(*_: object, **__: object) -> None:
        raise TokenKeyUnusable

    code = granted(house, who.client.id)
    monkeypatch.setattr(house.signer, "sign_many", refuse)
    answer = redeem(house, who, code)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "token-key-unusable")


def test_a_proof_of_possession_binds_the_token(house: House, who: Registered) -> None:
    key = new_key()
    body = redeem(house, who, granted(house, who.client.id), {"DPoP": proof(key)}).get_json()
    assert body["token_type"] == "DPoP"
    assert claims_of(body["access_token"])["cnf"] == {"jkt": key.thumbprint()}
    assert house.reader.read(body["access_token"]).contents.confirmation == key.thumbprint()


def test_a_code_that_was_bound_to_a_key_needs_it(house: House, who: Registered) -> None:
    key = new_key()
    bound = granted(house, who.client.id, dpop_jkt=key.thumbprint())
    assert error_of(redeem(house, who, bound, {"DPoP": proof(new_key())})) == (400, "invalid_grant")
    bound = granted(house, who.client.id, dpop_jkt=key.thumbprint())
    assert error_of(redeem(house, who, bound)) == (400, "invalid_grant")
    bound = granted(house, who.client.id, dpop_jkt=key.thumbprint())
    assert redeem(house, who, bound, {"DPoP": proof(key)}).status_code == 200


def test_a_client_that_must_prove_possession_does(house: House) -> None:
    settle(house)
    strict = register(house, dpop_required=True)
    code = granted(house, strict.client.id)
    assert error_of(redeem(house, strict, code)) == (400, "invalid_dpop_proof")
    assert redeem(house, strict, code, {"DPoP": proof(new_key())}).status_code == 200


def test_a_used_proof_is_refused_before_the_code_is_consumed(house: House, who: Registered) -> None:
    key, code = new_key(), granted(house, who.client.id)
    used = proof(key)
    assert redeem(house, who, granted(house, who.client.id), {"DPoP": used}).status_code == 200
    assert error_of(redeem(house, who, code, {"DPoP": used})) == (400, "invalid_dpop_proof")
    assert redeem(house, who, code, {"DPoP": proof(key)}).status_code == 200


def test_userinfo_wants_a_living_token_with_openid_and_its_proof(house: House, who: Registered) -> None:
    def ask(token: str, scheme: str = "Bearer", **headers: str) -> tuple[int, str]:
        answer = browser(house).get("/oauth/userinfo", headers={"Authorization": f"{scheme} {token}", **headers})
        said = answer.get_json()
        return answer.status_code, said.get("code") or said.get("error") or said["sub"]

    token = signed_in(house, who)["access_token"]
    assert ask(token) == (200, house.subjects.subject("P1", sector="counter.example"))
    assert ask(signed_in(house, who, scope="profile")["access_token"]) == (403, "insufficient_scope")
    key = new_key()
    bound = redeem(house, who, granted(house, who.client.id), {"DPoP": proof(key)}).get_json()["access_token"]
    assert ask(bound)[0] == 401
    shown = proof(key, "/oauth/userinfo", "GET", bound)
    assert ask(bound, "DPoP", DPoP=shown)[0] == 200
    house.revocations.cut([Tie(TieKind.SESSION, "S1")], reason="test", at=house.clock.now())
    assert ask(token) == (401, "token-revoked")


def test_a_client_token_is_no_persons_token_and_the_other_way_round(house: House, who: Registered) -> None:
    system = house.registry.register(label="业务系统", authority=USCC, scopes="certs:read")
    own = post(house, "/oauth/token", {"grant_type": "client_credentials"}, system).get_json()["access_token"]
    persons = signed_in(house, who)["access_token"]
    with pytest.raises(NotAuthenticated) as refusal:
        house.reader.read(own)
    assert refusal.value.code == "token-foreign"
    with pytest.raises(NotAuthenticated):
        house.checker.check(persons)
    with pytest.raises(NotAuthenticated):
        house.reader.read(signed_in(house, who)["id_token"])  # typ confusion


def test_an_extension_grant_gets_an_authenticated_client_and_no_secrets(house: House, who: Registered) -> None:
    key = new_key()
    answer = post(house, "/oauth/token", {"grant_type": "urn:example:echo", "subject_token": "x"}, who, DPoP=proof(key))
    assert answer.get_json() == {
        "client": who.client.id,
        "form": {"client_id": who.client.id, "grant_type": "urn:example:echo", "subject_token": "x"},
        "confirmation": key.thumbprint(),
    }
    refused = post(house, "/oauth/token", {"grant_type": "urn:example:echo", "refuse": "1"}, who)
    assert error_of(refused) == (400, "invalid_target")
    anonymous = post(house, "/oauth/token", {"grant_type": "urn:example:echo"}, None)
    assert error_of(anonymous) == (401, "invalid_client")
