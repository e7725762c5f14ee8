import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sso.provider.errors import TokenKeyUnusable
from sso.provider.keyring import (
    ALGORITHM,
    KEPT_SECONDS,
    KEYS_CACHE_SECONDS,
    REFRESH_SECONDS,
    SM2_ALGORITHM,
    Keyring,
    KeyringSource,
    ring_at,
    signs_from,
)
from tests.fakes import MOMENT, FixedClock
from tests.sso.provider.edges import LONG_AGO, TwoAlgorithmSigner, b64
from trust.kernel.algorithms import Algorithm
from trust.kernel.errors import Unavailable
from trust.keys import KeyInfo, KeyPurpose, KeyState

P256 = Algorithm.ECDSA_P256_SHA256
OVERLAP = timedelta(seconds=KEYS_CACHE_SECONDS + REFRESH_SECONDS)
KEPT = timedelta(seconds=KEPT_SECONDS)
SECOND = timedelta(seconds=1)


def refs(ring: Keyring, infos: Sequence[KeyInfo]) -> set[str]:
    published = {key["kid"] for key in ring.document()["keys"]}
    return {info.ref for info in infos if Keyring([info]).signing_id in published}


def test_a_new_key_is_published_for_the_overlap_before_it_signs() -> None:
    signer = TwoAlgorithmSigner()
    old, new = signer.make(P256), signer.make(P256, MOMENT)
    before = ring_at(signer.infos, MOMENT + OVERLAP - SECOND)
    assert (before.signing_ref, refs(before, signer.infos)) == (old.ref, {old.ref, new.ref})
    after = ring_at(signer.infos, MOMENT + OVERLAP)
    assert (after.signing_ref, refs(after, signer.infos)) == (new.ref, {old.ref, new.ref})


def test_an_older_key_verifies_until_every_token_under_it_is_over() -> None:
    signer = TwoAlgorithmSigner()
    old, new = signer.make(P256), signer.make(P256, MOMENT)
    ends = MOMENT + OVERLAP + KEPT
    assert refs(ring_at(signer.infos, ends - SECOND), signer.infos) == {old.ref, new.ref}
    assert refs(ring_at(signer.infos, ends), signer.infos) == {new.ref}


def test_a_retired_key_is_out_at_once() -> None:
    signer = TwoAlgorithmSigner()
    old, new = signer.make(P256), signer.make(P256, MOMENT - OVERLAP)
    ring = ring_at([old, replace(new, state=KeyState.RETIRED)], MOMENT)
    assert ring.signing_ref == old.ref
    assert refs(ring, signer.infos) == {old.ref}


def test_the_first_key_of_an_installation_signs_without_waiting() -> None:
    signer = TwoAlgorithmSigner()
    first, second = signer.make(P256, MOMENT), signer.make(P256, MOMENT + SECOND)
    assert ring_at(signer.infos, MOMENT + SECOND).signing_ref == first.ref
    assert ring_at(signer.infos, MOMENT + SECOND + OVERLAP).signing_ref == second.ref


@given(ages=st.lists(st.integers(0, 3 * KEPT_SECONDS), min_size=1, max_size=5))
def test_at_any_moment_there_is_one_signing_key_and_it_is_published(ages: list[int]) -> None:
    signer = TwoAlgorithmSigner()
    infos = [signer.make(P256, MOMENT - timedelta(seconds=age)) for age in ages]
    ring = ring_at(infos, MOMENT)
    assert ring.signing_id in {key["kid"] for key in ring.document()["keys"]}
    ripe = [info for info in infos if signs_from(info) <= MOMENT]
    assert ring.signing_ref in ({info.ref for info in ripe} or {info.ref for info in infos})


def test_sm2_keys_have_a_set_of_their_own() -> None:
    signer = TwoAlgorithmSigner()
    signer.make(P256)
    ring = ring_at([*signer.infos, signer.make(Algorithm.SM2_SM3)], MOMENT)
    assert ring.algorithms == (ALGORITHM, SM2_ALGORITHM)
    assert [key["crv"] for key in ring.document()["keys"]] == ["P-256"]
    (jwk,) = ring.document(SM2_ALGORITHM)["keys"]
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "SM2", SM2_ALGORITHM, "sig")
    members = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    assert jwk["kid"] == b64(hashlib.sha256(members.encode()).digest())


def test_without_an_sm2_key_sm2_is_neither_offered_nor_signed() -> None:
    ring = Keyring([TwoAlgorithmSigner().make(P256)])
    assert ring.algorithms == (ALGORITHM,)
    assert ring.document(SM2_ALGORITHM) == {"keys": []}
    with pytest.raises(TokenKeyUnusable):
        ring.signing_key(SM2_ALGORITHM)


def test_a_ring_without_es256_is_refused() -> None:
    with pytest.raises(TokenKeyUnusable):
        Keyring([TwoAlgorithmSigner().make(Algorithm.SM2_SM3)])


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("end", [0, -1, 26])
def test_a_public_half_that_cannot_be_read_is_refused(algorithm: Algorithm, end: int) -> None:
    info = TwoAlgorithmSigner().make(algorithm)
    with pytest.raises(TokenKeyUnusable):
        Keyring([replace(info, public_key=info.public_key[:end])])


def test_an_rsa_key_signs_no_token_and_is_left_out_of_the_ring() -> None:
    signer = TwoAlgorithmSigner()
    token, rsa = signer.make(P256), replace(signer.make(P256), algorithm=Algorithm.RSA_PKCS1_SHA256)
    assert len(ring_at([token, rsa], MOMENT).document()["keys"]) == 1
    with pytest.raises(TokenKeyUnusable):
        Keyring([token, rsa])


def test_keys_of_other_purposes_are_left_out_of_the_ring() -> None:
    signer = TwoAlgorithmSigner()
    token, other = signer.make(P256), signer.make(P256, purpose=KeyPurpose.SEALING)
    ring = ring_at([token, other], MOMENT)
    assert len(ring.document()["keys"]) == 1


def test_a_running_process_sees_a_new_key_within_the_refresh_time() -> None:
    signer, clock = TwoAlgorithmSigner(), FixedClock()
    old = signer.make(P256)
    source = KeyringSource(lambda: signer.infos, clock)
    new = signer.make(P256, LONG_AGO + SECOND)
    clock.advance(seconds=REFRESH_SECONDS - 1)
    assert source.current().signing_ref == old.ref
    clock.advance(seconds=1)
    assert source.current().signing_ref == new.ref


def test_a_key_store_that_fails_leaves_the_last_ring_in_use() -> None:
    signer, clock = TwoAlgorithmSigner(), FixedClock()
    old = signer.make(P256)
    answers: list[Sequence[KeyInfo]] = [signer.infos]

    def keys() -> Sequence[KeyInfo]:
        if not answers:
            raise Unavailable
        return answers.pop()

    source = KeyringSource(keys, clock)
    clock.advance(seconds=REFRESH_SECONDS)
    assert source.current().signing_ref == old.ref


def test_retiring_the_last_key_ends_what_it_signed_in_running_processes() -> None:
    signer, clock = TwoAlgorithmSigner(), FixedClock()
    infos = [signer.make(P256)]
    source = KeyringSource(lambda: infos, clock)
    infos[0] = replace(infos[0], state=KeyState.RETIRED)
    clock.advance(seconds=REFRESH_SECONDS)
    with pytest.raises(TokenKeyUnusable):
        source.current()
    infos.append(signer.make(P256, clock.now()))
    clock.advance(seconds=REFRESH_SECONDS)
    assert source.current().signing_ref == infos[1].ref


def test_a_process_does_not_start_without_a_key() -> None:
    with pytest.raises(TokenKeyUnusable):
        KeyringSource(list, FixedClock())
