"""The self-test refuses every part that lies: one lie for each check."""

import logging
from dataclasses import FrozenInstanceError

import pytest

from tests.trust.gm.published import CIPHERTEXT_DER, MUST_REFUSE, PLAINTEXT, POINT, SIGNATURE_DER
from trust.gm import engine, selftest, sm3, sm4
from trust.gm.errors import CiphertextInvalid, EngineFailed, KeyUnusable, SelfTestFailed, SignatureInvalid

HONEST = engine.current()


class LyingPublic:
    """Verifies by the engine's lie if it has one, else honestly."""

    def __init__(self, liar, inner) -> None:
        self.liar, self.inner = liar, inner

    def verify_digest(self, e, signature):
        return self.liar.lies.get("verify", lambda inner, *rest: inner.verify_digest(*rest))(self.inner, e, signature)

    def encrypt(self, plaintext):
        return self.liar.lies.get("encrypt", lambda inner, text: inner.encrypt(text))(self.inner, plaintext)


class LyingPrivate:
    def __init__(self, liar, inner) -> None:
        self.liar, self.inner = liar, inner

    @property
    def point(self):
        return self.liar.lies.get("point", self.inner.point)

    def sign_digest(self, e):
        return self.liar.lies.get("sign", lambda inner, value: inner.sign_digest(value))(self.inner, e)

    def decrypt(self, ciphertext):
        return self.liar.lies.get("decrypt", lambda inner, value: inner.decrypt(value))(self.inner, ciphertext)


class Liar:
    name, version, location, private_operations = "liar", "liar 1", "nowhere", True

    def __init__(self, **lies) -> None:
        self.lies = lies

    def load_public(self, point):
        if "load_public" in self.lies:
            point = self.lies["load_public"](point)
        return LyingPublic(self, HONEST.load_public(point))

    def load_private(self, scalar):
        if "load_private" in self.lies:
            raise self.lies["load_private"]
        return LyingPrivate(self, HONEST.load_private(scalar))


def refuse_everything(*_):
    raise SignatureInvalid


def accept_when(signature_wanted=None, *, digest_changed=False):
    """Verify honestly, but accept one kind of wrong signature."""

    def verify(inner, e, signature):
        if signature_wanted == signature or (digest_changed and signature == SIGNATURE_DER):
            return
        inner.verify_digest(e, signature)

    return verify


def fail(*_):
    raise EngineFailed


def honest_except(wanted, answer):
    return lambda inner, value: answer if value == wanted else inner.decrypt(value)


ENGINE_LIES = {
    "sm2 verify published": {"verify": refuse_everything},
    "sm2 verify changed digest": {"verify": accept_when(digest_changed=True)},
    "sm2 verify s = 0": {"verify": accept_when(MUST_REFUSE["signature_s_zero"])},
    "sm2 verify trailing byte": {"verify": accept_when(MUST_REFUSE["signature_trailing_byte"])},
    "sm2 point off curve": {"load_public": lambda _: POINT},
    "sm2 load private": {"load_private": KeyUnusable()},
    "sm2 public from private": {"point": POINT[::-1]},
    "sm2 sign, then verify": {"sign": lambda inner, e: inner.sign_digest(e[::-1])},
    "sm2 fresh nonce": {"sign": lambda *_: SIGNATURE_DER},
    "sm2 decrypt published": {"decrypt": honest_except(CIPHERTEXT_DER, PLAINTEXT[::-1])},
    "sm2 decrypt zeroed c3": {"decrypt": honest_except(MUST_REFUSE["ciphertext_c3_zeroed"], PLAINTEXT)},
    "sm2 encrypt, then decrypt": {"encrypt": lambda inner, text: inner.encrypt(text[::-1])},
}


def wrong_for(*lengths):
    return lambda data: sm3.sm3(data)[::-1] if len(data) in lengths else sm3.sm3(data)


HASH_LIES = {
    "sm3 vector 1": wrong_for(3),
    "sm3 vector 2": wrong_for(64),
    "sm2 za": wrong_for(2 + 16 + 6 * 32),
    "sm2 e": wrong_for(32 + 14),
}
SM4_LIES = {
    "sm4 block": {"encrypt_cbc": lambda *_: bytes(16)},
    "sm4-gcm seal": {"encrypt_gcm": lambda key, nonce, text, _: sm4.encrypt_gcm(key, nonce, text)},
    "sm4-gcm open": {"decrypt_gcm": lambda *_: b""},
    "sm4-gcm altered tag": {
        "decrypt_gcm": lambda key, nonce, sealed, associated: sm4.encrypt_gcm(key, nonce, sealed[:-16], associated)[
            :-16
        ]
    },
}


@pytest.mark.parametrize("check", ENGINE_LIES)
def test_an_engine_that_lies_is_refused_for_that_lie(check) -> None:
    with pytest.raises(SelfTestFailed) as refusal:
        selftest.run(Liar(**ENGINE_LIES[check]))
    assert refusal.value.facts["check"] == check
    assert refusal.value.code == "self-test-failed"
    assert refusal.value.retryable is False


@pytest.mark.parametrize("check", HASH_LIES)
def test_a_hash_function_that_lies_is_refused_for_that_lie(check) -> None:
    with pytest.raises(SelfTestFailed) as refusal:
        selftest.run(hash_function=HASH_LIES[check])
    assert refusal.value.facts["check"] == check


@pytest.mark.parametrize("check", SM4_LIES)
def test_an_sm4_that_lies_is_refused_for_that_lie(check) -> None:
    with pytest.raises(SelfTestFailed) as refusal:
        selftest.run(sm4_functions=selftest.Sm4Functions(**SM4_LIES[check]))
    assert refusal.value.facts["check"] == check


def test_there_is_a_lie_for_every_check() -> None:
    lies = {*ENGINE_LIES, *HASH_LIES, *SM4_LIES}
    assert set(selftest.run().checks) - lies == {"sm2 load public"}


def test_an_engine_whose_key_does_not_load_a_second_time_is_refused() -> None:
    loads = iter([POINT] * 4)

    def load(point):
        if point == POINT and next(loads, None) is None:
            raise EngineFailed
        return point

    with pytest.raises(SelfTestFailed) as refusal:
        selftest.run(Liar(load_public=load))
    assert refusal.value.facts["check"] == "sm2 load public"


@pytest.mark.parametrize("lie", [{"verify": fail}, {"sign": fail}, {"decrypt": fail}, {"encrypt": fail}])
def test_an_engine_that_fails_is_refused_too(lie) -> None:
    with pytest.raises(SelfTestFailed):
        selftest.run(Liar(**lie))


def test_an_engine_that_refuses_a_wrong_text_for_a_wrong_reason_is_refused() -> None:
    def decrypt(inner, ciphertext):
        try:
            return inner.decrypt(ciphertext)
        except CiphertextInvalid:
            raise EngineFailed from None

    with pytest.raises(SelfTestFailed) as refusal:
        selftest.run(Liar(decrypt=decrypt))
    assert refusal.value.facts["check"] == "sm2 decrypt zeroed c3"


def test_a_refusal_names_the_library_in_the_log(caplog) -> None:
    with caplog.at_level(logging.CRITICAL, logger="trust.gm.selftest"), pytest.raises(SelfTestFailed):
        selftest.run(Liar(verify=refuse_everything))
    assert "nowhere" in caplog.text


def test_the_report_names_engine_and_library_and_cannot_be_changed(caplog) -> None:
    with caplog.at_level(logging.INFO, logger="trust.gm.selftest"):
        report = selftest.run()
    assert (report.engine, report.version, report.location) == (HONEST.name, HONEST.version, HONEST.location)
    assert report.private_operations
    assert report.version in caplog.text
    with pytest.raises(FrozenInstanceError):
        report.engine = "another"
