"""A consent that is taken back while it is given again, on PostgreSQL: no token lives that nobody can take back."""

import pytest

from sso.provider.consents import Consents
from sso.provider.domain import Registered
from sso.provider.errors import ConsentUnknown
from tests.sso.crossing import crossed
from tests.sso.databases import ON_POSTGRESQL
from tests.sso.provider.journey import CITIZEN, SCOPES, granted, redeem, signed_in
from tests.sso.provider.support import House

pytestmark = ON_POSTGRESQL


def withdrawn(consents: Consents) -> bool:
    (consent,) = consents.of(CITIZEN)
    try:
        consents.withdraw(consent.id, person=CITIZEN)
    except ConsentUnknown:
        return False
    return True


@pytest.mark.parametrize("behind", ["INSERT INTO sso_grants", "INSERT INTO sso_participants"])
def test_a_grant_that_lives_rests_on_a_consent(house: House, who: Registered, behind: str) -> None:
    signed_in(house, who, scope=SCOPES)
    code, taken_back = crossed(
        house.database,
        lambda: granted(house, who.client.id, scope=SCOPES),
        lambda: withdrawn(house.consents),
        behind=behind,
    )
    assert taken_back
    lives = redeem(house, who, code).status_code == 200
    assert lives == bool(house.consents.of(CITIZEN))


def test_a_grant_that_is_made_during_a_withdrawal_rests_on_a_consent(house: House, who: Registered) -> None:
    signed_in(house, who, scope=SCOPES)
    taken_back, code = crossed(
        house.database,
        lambda: withdrawn(house.consents),
        lambda: granted(house, who.client.id, scope=SCOPES),
        behind="DELETE FROM sso_consents",
    )
    assert taken_back
    lives = redeem(house, who, code).status_code == 200
    assert lives == bool(house.consents.of(CITIZEN))
