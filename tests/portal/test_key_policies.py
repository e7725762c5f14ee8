"""The assembled installation keeps to the policies of its keys."""

import pytest

from hsm_adapter.policy.errors import KeySuspended
from portal.wiring import active_keys, open_installation
from tests.portal.command_line import CommandLine
from tests.portal.test_key_commands import ASKS, agreed, key_of, refusal
from trust.config import load_settings
from trust.keys import KeyPurpose


def test_a_suspended_seal_key_issues_nothing_until_two_people_resume_it(yinxin: CommandLine) -> None:
    key = key_of(yinxin, "sealing")["key"]
    yinxin.json("keys", "suspend", key, *ASKS, "--reason", "疑似泄露")
    with pytest.raises(AssertionError, match=KeySuspended.code):
        yinxin.issue("suspended-1")
    agreed(yinxin, "propose", "resume", key)
    yinxin.issue("resumed-1")


def test_services_get_the_successor_from_its_activation_on(yinxin: CommandLine) -> None:
    old = key_of(yinxin, "ledger-checkpoint")["key"]

    def active() -> list[str]:
        installation = open_installation(load_settings())
        try:
            return [key.ref for key in active_keys(installation.foundation, KeyPurpose.LEDGER_CHECKPOINT)]
        finally:
            installation.close()

    born = agreed(yinxin, "rotate", old)["key"]
    assert active() == [old]
    agreed(yinxin, "propose", "activate", born)
    assert active() == [born, old]
    installation = open_installation(load_settings())
    assert installation.record().checkpointer.checkpoint() is not None
    installation.close()
    assert yinxin.json("ledger", "verify")["verified"] is True
    assert refusal(yinxin, "propose", "retire", old, *ASKS, "--reason", "轮换") == "key-overlap-running"
