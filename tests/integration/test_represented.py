"""Whoever represents somebody does so no longer than the represented is there: every token ends with them."""

from contextlib import closing

import pytest
from sqlalchemy import event

from portal.foundation import open_foundation
from portal.wiring import open_installation
from tests.integration.installation import OTHER_AUTHORITY
from tests.integration.oauth_house import House
from tests.integration.sign_in_house import ACCESS_TOKEN, EXCHANGE
from trust.config import load_settings
from trust.formats.holders import USCC_KIND, HolderNumber

pytestmark = pytest.mark.integration

REASON = "登记机关通知"
ALL, ONLY_THE_AGENT = (True, True, True), (False, False, True)


@pytest.fixture
def house(template, tmp_path):
    loaded = load_settings(**template.copy(tmp_path / "home"))
    base = open_foundation(loaded)
    # Nothing here pulls the plug of the machine: without it the test would mostly wait for the disk.
    event.listen(base.database.engine, "connect", lambda opened, _record: opened.execute("PRAGMA synchronous=OFF"))
    with closing(open_installation(loaded, base)) as installation:
        yield House(installation)


class Acting:
    """An agent, signed in for the enterprise, passed on to the second system, and signed in for themselves."""

    def __init__(self, house):
        everyone = house.house.everyone
        agent, mandate = everyone.agent.id, everyone.mandate.id
        self._house = house
        self.own = house.tokens(agent, "openid")["access_token"]
        tokens = house.token("first", **house.redemption(house.code(agent, represents=mandate)))
        self.access, self.refresh = tokens["access_token"], tokens["refresh_token"]
        form = {"subject_token": self.access, "subject_token_type": ACCESS_TOKEN, "audience": house.house.second.client}
        self.passed = house.token("first", grant_type=EXCHANGE, **form)["access_token"]

    def active(self):
        """Whether each holds: for the enterprise, passed on for it, for the agent alone."""
        asked = (("first", self.access), ("second", self.passed), ("first", self.own))
        return tuple(self._house.is_active(by, token) for by, token in asked)

    def goes_on(self):
        """Whether the sign-in for the enterprise can be prolonged."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh}
        headers = self._house.basic("first")
        return self._house.client.post("/oauth/token", data=form, headers=headers).status_code == 200


def test_disabling_the_represented_ends_what_was_done_in_their_name_and_enabling_brings_nothing_back(house):
    register, enterprise = house.installation.people.register, house.house.everyone.enterprise.id
    acting = Acting(house)
    assert acting.active() == ALL
    register.disable(enterprise, by="周申请", reason=REASON)
    assert (acting.active(), acting.goes_on()) == (ONLY_THE_AGENT, False)
    register.enable(enterprise, requested_by="周申请", approved_by="吴审批", reason=REASON)
    assert (acting.active(), acting.goes_on()) == (ONLY_THE_AGENT, False)
    assert Acting(house).active() == ALL


@pytest.mark.parametrize("as_survivor", [True, False])
def test_merging_the_represented_ends_what_was_done_in_their_name(house, as_survivor):
    register, enterprise = house.installation.people.register, house.house.everyone.enterprise.id
    other = register.register(HolderNumber(kind=USCC_KIND, number=OTHER_AUTHORITY), "演示市另一单位").id
    acting = Acting(house)
    pair = (other, enterprise) if as_survivor else (enterprise, other)
    register.merge(*pair, requested_by="周申请", approved_by="吴审批", reason=REASON)
    assert (acting.active(), acting.goes_on()) == (ONLY_THE_AGENT, False)


def test_disabling_the_agent_ends_both(house):
    acting = Acting(house)
    house.installation.people.register.disable(house.house.everyone.agent.id, by="周申请", reason=REASON)
    assert acting.active() == (False, False, False)


def test_a_mandate_outlasts_who_granted_it_but_not_its_withdrawal(house):
    """What the representative granted is the organisation's own; the representative's account is another matter."""
    everyone = house.house.everyone
    acting = Acting(house)
    house.installation.people.register.disable(everyone.representative.id, by="周申请", reason=REASON)
    assert acting.active() == ALL
    house.installation.registers.mandates.withdraw(everyone.mandate.id, by=everyone.agent.id)
    assert (acting.active(), acting.goes_on()) == (ONLY_THE_AGENT, False)
