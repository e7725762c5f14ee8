"""Refresh tokens: used once, one family, bound to the sign-in (RFC 9700 section 4.14, RFC 6749 section 6)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from sso.provider.domain import ClientAuthentication, Registered
from sso.provider.errors import TokenKeyUnusable
from sso.revocation.domain import TieKind
from tests.sso.provider.changing import keep_changed
from tests.sso.provider.dpop_proof import new_key, proof
from tests.sso.provider.journey import (
    SCOPES,
    error_of,
    granted,
    post,
    redeem,
    refresh,
    register,
    relying,
    session,
    settle,
    signed_in,
)
from tests.sso.provider.support import House, decode
from trust.kernel.errors import NotAuthenticated


def is_alive(house: House, token: str) -> bool:
    try:
        house.reader.read(token)
    except NotAuthenticated:
        return False
    return True


def test_each_refresh_gives_the_next_token_and_an_id_token(house: House, who: Registered) -> None:
    tokens = signed_in(house, who, scope=SCOPES)
    answer = refresh(house, who, tokens["refresh_token"])
    body = answer.get_json()
    assert answer.status_code == 200
    assert body["refresh_token"] != tokens["refresh_token"]
    assert is_alive(house, body["access_token"])
    claims = json.loads(decode(body["id_token"].split(".")[1]))
    assert (claims["aud"], "nonce" in claims) == (who.client.id, False)  # OIDC core section 12.2
    assert refresh(house, who, body["refresh_token"]).status_code == 200


def test_only_who_asks_for_offline_access_gets_one(house: House, who: Registered) -> None:
    assert "refresh_token" not in signed_in(house, who)
    without = register(house, scopes="openid profile certs:read", resource="https://two.example/")
    answer = post(house, "/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x" * 43}, without)
    assert error_of(answer) == (400, "unauthorized_client")


def test_a_used_token_ends_the_whole_family(house: House, who: Registered) -> None:
    first = signed_in(house, who, scope=SCOPES)
    second = refresh(house, who, first["refresh_token"]).get_json()
    assert error_of(refresh(house, who, first["refresh_token"])) == (400, "invalid_grant")
    assert error_of(refresh(house, who, second["refresh_token"])) == (400, "invalid_grant")
    assert not is_alive(house, first["access_token"])
    assert not is_alive(house, second["access_token"])


def test_a_lost_answer_gets_no_grace(house: House, who: Registered) -> None:
    """Thief and victim look the same to us: the second presentation ends the family at any distance in time."""
    first = signed_in(house, who, scope=SCOPES)["refresh_token"]
    refresh(house, who, first)
    assert error_of(refresh(house, who, first)) == (400, "invalid_grant")


def test_another_clients_token_is_refused_and_harms_nobody(house: House, who: Registered) -> None:
    thief = register(house, resource="https://thief.example/")
    token = signed_in(house, who, scope=SCOPES)["refresh_token"]
    assert error_of(refresh(house, thief, token)) == (400, "invalid_grant")
    assert refresh(house, who, token).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "一" * 43, "\0" * 43])
def test_a_guessed_token_opens_nothing(house: House, who: Registered, token: str) -> None:
    assert error_of(refresh(house, who, token)) == (400, "invalid_grant")


def test_an_access_token_is_no_refresh_token(house: House, who: Registered) -> None:
    tokens = signed_in(house, who, scope=SCOPES)
    assert error_of(refresh(house, who, tokens["access_token"])) == (400, "invalid_grant")
    with pytest.raises(NotAuthenticated):
        house.reader.read(tokens["refresh_token"])


def test_scopes_may_be_narrowed_and_never_widened(house: House, who: Registered) -> None:
    token = signed_in(house, who, scope="openid offline_access")["refresh_token"]
    assert error_of(refresh(house, who, token, scope="openid profile")) == (400, "invalid_scope")
    narrow = refresh(house, who, token, scope="openid").get_json()
    assert narrow["scope"] == "openid"
    wide_again = refresh(house, who, narrow["refresh_token"]).get_json()
    assert wide_again["scope"] == "offline_access openid"


@pytest.mark.parametrize("kind", [TieKind.SESSION, TieKind.PERSON, TieKind.GRANT])
def test_it_ends_with_what_it_hangs_on(house: House, who: Registered, kind: TieKind) -> None:
    tokens = signed_in(house, who, scope=SCOPES)
    (tie,) = (tie for tie in house.reader.read(tokens["access_token"]).contents.ties if tie.kind is kind)
    house.revocations.cut([tie], reason="signed-out", at=house.clock.now())
    assert error_of(refresh(house, who, tokens["refresh_token"])) == (400, "invalid_grant")


def test_it_lives_its_own_life_and_not_beyond_the_session(house: House, who: Registered) -> None:
    token = signed_in(house, who, scope=SCOPES)["refresh_token"]
    house.clock.advance(seconds=3599)
    token = refresh(house, who, token).get_json()["refresh_token"]
    house.clock.advance(seconds=3600)
    assert error_of(refresh(house, who, token)) == (400, "invalid_grant")
    brief = session(house, expires_at=house.clock.now() + timedelta(seconds=60))
    token = redeem(house, who, granted(house, who.client.id, brief, scope=SCOPES)).get_json()["refresh_token"]
    house.clock.advance(seconds=60)
    assert error_of(refresh(house, who, token)) == (400, "invalid_grant")


def test_a_disabled_client_refreshes_nothing(house: House, who: Registered) -> None:
    token = signed_in(house, who, scope=SCOPES)["refresh_token"]
    house.registry.disable(who.client.id)
    assert error_of(refresh(house, who, token)) == (401, "invalid_client")


def test_a_right_that_the_client_lost_is_not_refreshed(house: House, who: Registered) -> None:
    token = signed_in(house, who, scope=SCOPES)["refresh_token"]
    keep_changed(house.database, house.registry.changed(who.client.id, relying(), scopes="openid offline_access"))
    assert error_of(refresh(house, who, token)) == (400, "invalid_grant")


def test_a_signer_that_fails_costs_nobody_the_session(
    house: House, who: Registered, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise TokenKeyUnusable

    token = signed_in(house, who, scope=SCOPES)["refresh_token"]
    with monkeypatch.context() as broken:
        broken.setattr(house.signer, "sign_many", refuse)
        assert refresh(house, who, token).status_code == 503
    assert refresh(house, who, token).status_code == 200


def test_a_public_clients_token_is_bound_to_its_key(house: House) -> None:
    settle(house)
    public = register(house, authentication=ClientAuthentication.NONE)
    key = new_key()
    code = granted(house, public.client.id, scope=SCOPES)
    token = redeem(house, public, code, {"DPoP": proof(key)}).get_json()["refresh_token"]
    assert error_of(refresh(house, public, token)) == (400, "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert error_of(post(house, "/oauth/token", form, public, DPoP=proof(new_key()))) == (400, "invalid_grant")
    assert post(house, "/oauth/token", form, public, DPoP=proof(key)).get_json()["token_type"] == "DPoP"


def test_a_confidential_client_may_change_its_key(house: House, who: Registered) -> None:
    code = granted(house, who.client.id, scope=SCOPES)
    token = redeem(house, who, code, {"DPoP": proof(new_key())}).get_json()["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert post(house, "/oauth/token", form, who, DPoP=proof(new_key())).status_code == 200


def test_only_the_digest_is_kept(house: House, who: Registered) -> None:
    token = signed_in(house, who, scope=SCOPES)["refresh_token"]
    with house.database.connect() as connection:
        kept = repr(connection.exec_driver_sql("select * from sso_refresh_tokens").all())
        sealed = repr(connection.exec_driver_sql("select * from sso_grants").all())
    assert token not in kept
    assert "urn:yinxin" not in sealed


def test_the_grants_own_row_cannot_be_moved(house: House, who: Registered) -> None:
    """The contents are sealed to their row: copied to another grant they do not open."""
    first, second = (signed_in(house, who, scope=SCOPES)["refresh_token"] for _ in range(2))
    with house.database.begin() as connection:
        one, two = connection.execute(text("select id from sso_grants order by id")).scalars()
        move = text("update sso_grants set sealed = (select sealed from sso_grants where id = :one) where id = :two")
        connection.execute(move, {"one": one, "two": two})
    assert refresh(house, who, first).status_code == 200
    assert refresh(house, who, second).get_json()["code"] == "sealed-value-broken"
