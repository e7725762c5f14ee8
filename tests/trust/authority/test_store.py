from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.fakes import MOMENT
from tests.trust.authority.conftest import World
from trust.authority.domain import CaKey, RevocationRecord, X509Record
from trust.authority.errors import SerialCollision
from trust.authority.profiles import CaRole, Profile
from trust.formats.x509 import RevocationReason
from trust.keys import KeyRef

RECORD = X509Record(
    serial=(1 << 127) - 1,
    issuer=CaRole.ISSUING,
    profile=Profile.SEAL_SIGNER,
    request_id="seal:1",
    request_digest="0" * 64,
    subject="C=CN, CN=演示",
    tbs=b"tbs",
    der=None,
    principal="operator:zhang",
    created_at=MOMENT,
    not_after=MOMENT,
)


def test_record_with_a_serial_of_127_bits_comes_back_as_it_was(world: World) -> None:
    assert world.store.reserve(RECORD) == RECORD
    assert world.store.get(RECORD.serial) == RECORD


def test_workers_with_one_request_id_get_one_record(world: World) -> None:
    def reserve(serial: int) -> int:
        return world.store.reserve(replace(RECORD, serial=serial)).serial

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(reserve, range(1, 17)))) == 1
    assert len(world.store.unfinished()) == 1


def test_serial_number_in_use_is_refused_for_another_request(world: World) -> None:
    world.store.reserve(RECORD)
    with pytest.raises(SerialCollision):
        world.store.reserve(replace(RECORD, request_id="seal:2"))


def test_first_key_of_a_ca_stays(world: World) -> None:
    first = CaKey(role=CaRole.ROOT, key=KeyRef("a"), spki=b"a")
    assert world.store.add_ca_key(first) == first
    assert world.store.add_ca_key(replace(first, key=KeyRef("b"))) == first
    assert world.store.find_ca_key(CaRole.ISSUING) is None


def test_concurrent_lists_get_different_numbers(world: World) -> None:
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: world.store.reserve_crl(CaRole.ROOT, MOMENT)[0], range(8)))
    assert sorted(numbers) == list(range(1, 9))
    assert world.store.latest_crl(CaRole.ROOT) is None


def test_newest_list_is_the_one_with_the_highest_number(world: World) -> None:
    for _ in range(2):
        world.store.reserve_crl(CaRole.ROOT, MOMENT)
    world.store.complete_crl(CaRole.ROOT, 2, b"second")
    world.store.complete_crl(CaRole.ROOT, 1, b"first, signed later")
    assert world.store.latest_crl(CaRole.ROOT) == b"second"


def test_lists_take_the_revocations_of_their_own_ca(world: World) -> None:
    revocation = RevocationRecord(at=MOMENT, reason=RevocationReason.SUPERSEDED, requested_by="a", approved_by="b")
    world.store.reserve(RECORD)
    assert world.store.revoke(RECORD.serial, revocation).revocation == revocation
    assert world.store.reserve_crl(CaRole.ISSUING, MOMENT) == (1, {RECORD.serial: revocation.entry})
    assert world.store.reserve_crl(CaRole.ROOT, MOMENT) == (1, {})
