"""Which keys services sign with now, for whoever asks for the active keys of a purpose."""

from collections.abc import Sequence
from dataclasses import replace

from hsm_adapter.policy.book import PolicyBook
from hsm_adapter.policy.domain import LifeState
from hsm_adapter.policy.errors import KeyPolicyBroken
from trust.keys import KeyInfo, KeyState


def in_service(keys: Sequence[KeyInfo], book: PolicyBook) -> list[KeyInfo]:
    """Return the keys that may sign, the one to sign with last: a successor comes after the key it follows.

    `created_at` is the moment of activation, for whoever counts from it (a token key is published before it signs).
    A key whose record is broken stays among them: using it says so, which is better than a key that is just gone.
    """
    return sorted(
        (info for info in seen_by_services(keys, book) if info.state is KeyState.ACTIVE),
        key=lambda info: (info.created_at, info.ref),
    )


def seen_by_services(keys: Sequence[KeyInfo], book: PolicyBook) -> list[KeyInfo]:
    """Return every key that was ever activated, as services see it: suspended is retired, until it is resumed.

    A key that is only generated is not there: a key set that published it would have to be believed.
    """
    seen = []
    for info in keys:
        try:
            life = book.life(info)
        except KeyPolicyBroken:
            seen.append(info)
            continue
        if life.state is LifeState.GENERATED:
            continue
        ended = life.state is not LifeState.ACTIVE
        since = life.activated_at or info.created_at
        seen.append(replace(info, created_at=since, state=KeyState.RETIRED if ended else info.state))
    return sorted(seen, key=lambda info: (info.created_at, info.ref))
