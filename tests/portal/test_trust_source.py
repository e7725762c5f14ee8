from datetime import timedelta

from portal.trust_source import KEPT, AuthorityTrust
from tests.fakes import FixedClock
from trust.authority.domain import AuthorityMaterial


class Authority:
    """The part of the PKI that the source reads, with a list that changes."""

    def __init__(self):
        self.crl = b"1"
        self.reads = 0

    def material(self):
        self.reads += 1
        return AuthorityMaterial(roots=(b"root",), intermediates=(b"issuing",), crls=(self.crl,))


def test_a_new_list_is_seen_after_so_long_and_not_before():
    authority, clock = Authority(), FixedClock()
    source = AuthorityTrust(authority, clock)
    first = source.material()
    authority.crl = b"2"
    clock.advance(seconds=KEPT.total_seconds() - 0.001)
    assert (source.material(), authority.reads) == (first, 1)
    clock.advance(seconds=0.001)
    assert (source.material().crls, authority.reads) == ((b"2",), 2)
    assert timedelta(seconds=5) == KEPT


def test_unchanged_material_stays_the_same_object():
    authority, clock = Authority(), FixedClock()
    source = AuthorityTrust(authority, clock)
    first = source.material()
    clock.advance(minutes=1)
    assert source.material() is first
    assert authority.reads == 2


def test_a_clock_that_was_set_back_does_not_keep_old_lists_for_ever():
    authority, clock = Authority(), FixedClock()
    source = AuthorityTrust(authority, clock)
    source.material()
    clock.advance(hours=-1)
    source.material()
    assert authority.reads == 2
