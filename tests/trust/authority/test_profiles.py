import pytest

from trust.authority.profiles import RULES, Profile
from trust.formats.x509 import SEAL_MAKING_OID


@pytest.mark.parametrize("profile", Profile)
def test_only_a_seal_maker_may_make_seals(profile):
    may = SEAL_MAKING_OID in RULES[profile].extended_key_usage
    assert may == (profile is Profile.SEAL_MAKER)
