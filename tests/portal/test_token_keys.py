from typing import Any

from portal.wiring import open_installation
from sso.provider.keyring import ALGORITHM, SM2_ALGORITHM, ring_at, signs_from
from tests.portal.command_line import CommandLine
from tests.portal.test_key_commands import agreed
from trust.config import load_settings


def new_token_key(yinxin: CommandLine, algorithm: str) -> Any:
    """Make a key that signs tokens, as two people do."""
    made = agreed(yinxin, "propose", "new", "--purpose", "token-signing", "--algorithm", algorithm, "--label", "tokens")
    return agreed(yinxin, "propose", "activate", made["key"])


def test_a_new_token_key_is_published_at_once_and_signs_later(yinxin: CommandLine) -> None:
    made = new_token_key(yinxin, "es256")
    assert (made["policy"]["purpose"], made["state"]) == ("token-signing", "active")
    installation = open_installation(load_settings())
    keys = installation.foundation.policies.seen_by_services()
    installation.close()
    (new,) = [key for key in keys if key.ref == made["key"]]
    before = ring_at(keys, new.created_at)
    assert before.signing_ref != new.ref
    assert len(before.document()["keys"]) == 2
    assert ring_at(keys, signs_from(new)).signing_ref == new.ref


def test_an_sm2_key_for_tokens_is_made_on_demand(yinxin: CommandLine) -> None:
    new_token_key(yinxin, "sm2")
    installation = open_installation(load_settings())
    keys = installation.foundation.policies.seen_by_services()
    installation.close()
    assert ring_at(keys, keys[-1].created_at).algorithms == (ALGORITHM, SM2_ALGORITHM)
