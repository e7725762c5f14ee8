"""The root key in the hands of its custodians: made and split, shown share by share, opened by a quorum, forgotten.

Between making and showing only the shares are in memory; between opening and closing only the opened token is. Neither
is written anywhere. Python cannot promise that no copy stays in memory that it freed: the machine is switched off
after each sitting (docs/ceremony.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsm_adapter.ceremony.domain import Custodian, Terms
from hsm_adapter.ceremony.errors import ShareNotConfirmed, ShareOfAnotherCustodian
from hsm_adapter.ceremony.requests import grouped
from hsm_adapter.ceremony.root_token import TokenMaker, destroy_tokens
from hsm_adapter.ceremony.shares import SECRET_BYTES, TypedShare, check_share, combine, parse_share, split, wipe
from hsm_adapter.ceremony.stage import Stage, both, share_sheet
from hsm_adapter.software import SoftwareToken
from trust.gm.sm3 import sm3
from trust.kernel.errors import InvalidInput, NotAllowed
from trust.keys import KeyRef

WORDS_ASKED = 3
"""How many words of a share its custodian types back. The whole paper is proved when a quorum opens the key from it."""

MAX_CONFIRMATIONS = 5
"""How often a custodian may try to type words back before the key is made anew."""

MAX_TRIES = 5
"""How often one custodian may mistype the share at an opening before another one is asked."""

_TOKENS = "token-*"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRoot:
    """The root key, usable until it is forgotten."""

    token: SoftwareToken
    ref: KeyRef


class Custody:
    """Shares and opened key of one process; holds nothing when it is made."""

    def __init__(self, folder: Path, terms: Terms, stage: Stage, maker: TokenMaker) -> None:
        self._folder = folder
        self._terms = terms
        self._stage = stage
        self._maker = maker
        self._shares: dict[int, tuple[str, ...]] = {}
        self.root: OpenRoot | None = None

    def generate(self, *, attempt: int) -> dict[str, object]:
        """Make and seal the key, split the secret, and return what is public of it."""
        terms = self._terms
        destroy_tokens(self._folder, _TOKENS)  # of attempts that were void before anybody saw a share
        name = f"token-{attempt}"
        secret = bytearray(self._maker.randomness.token(SECRET_BYTES))
        try:
            info = self._maker.make(self._folder / name, secret, ceremony=terms.ceremony)
            made = split(
                bytes(secret), threshold=terms.threshold, shares=terms.shares, randomness=self._maker.randomness
            )
        finally:
            wipe(secret)
        self._shares = dict(enumerate(made.shares, start=1))
        return {
            "token": name,
            "key": info.ref,
            "algorithm": info.algorithm.value,
            "public_key": info.public_key.hex(),
            "public_key_sm3": grouped(sm3(info.public_key).hex()),
            "share_set": made.share_set,
        }

    def hand_over(self, custodian: Custodian) -> dict[str, object]:
        """Show a share to its custodian until they can repeat words of it. Raises `ShareNotConfirmed`."""
        words = self._shares[custodian.number]
        title = both(
            f"份额 {custodian.number}（保管人 {custodian.name}）· 仪式 {self._terms.ceremony} · 请抄写后按回车",
            f"Share {custodian.number} of {self._terms.shares}: write it down by hand, then press Enter",
        )
        for _ in range(MAX_CONFIRMATIONS):
            self._stage.show_secret(share_sheet(words, title=title))
            if all(self._repeats(words, place) for place in self._places(len(words))):
                del self._shares[custodian.number]
                return {"share": custodian.number, "words": len(words)}
            self._stage.say(both("复述有误，将再次显示。", "A word was not right; the share is shown again."))
        raise ShareNotConfirmed(field="share")

    def open(self, facts: Mapping[str, Any]) -> dict[str, object]:
        """Have custodians type their shares until the key is open. Raises `SharesTooFew`, `SharesWrong`."""
        typed: dict[int, TypedShare] = {}
        for custodian in self._terms.people.custodians:
            if len(typed) == self._terms.threshold:
                break
            share = self._typed(custodian, facts["share_set"], tuple(typed.values()))
            if share is not None:
                typed[custodian.number] = share
        secret = combine(tuple(typed.values()), threshold=self._terms.threshold)
        try:
            token = self._maker.open(self._folder / facts["token"], secret, ceremony=self._terms.ceremony)
        finally:
            wipe(secret)
            numbers = sorted(typed)
            typed.clear()
        self.root = OpenRoot(token=token, ref=KeyRef(facts["key"]))
        return {"shares": numbers}

    def close(self) -> dict[str, object]:
        """Forget the key; after a rehearsal destroy it as well."""
        self.root = None
        self._shares.clear()
        if self._terms.rehearsal:
            destroy_tokens(self._folder, _TOKENS)
        return {"key_destroyed": self._terms.rehearsal}

    def destroy(self) -> None:
        """Forget and remove a key that counts for nothing."""
        self.root = None
        self._shares.clear()
        destroy_tokens(self._folder, _TOKENS)

    def _places(self, count: int) -> tuple[int, ...]:
        """Return `WORDS_ASKED` different places, chosen without favour."""
        places: list[int] = []
        while len(places) < WORDS_ASKED:
            place = int.from_bytes(self._maker.randomness.token(8), "big") % count
            if place not in places:
                places.append(place)
        return tuple(places)

    def _repeats(self, words: tuple[str, ...], place: int) -> bool:
        question = both(f"请输入第 {place + 1} 个词：", f"Type word number {place + 1}: ")
        return self._stage.ask_secret(question).strip().lower() == words[place]

    def _typed(self, custodian: Custodian, share_set: int, before: tuple[TypedShare, ...]) -> TypedShare | None:
        question = both(
            f"保管人 {custodian.number} {custodian.name}：请输入份额（不使用本份额请直接回车）",
            f"Custodian {custodian.number}: type your share, words with spaces (nothing: not this share): ",
        )
        return ask_share(self._stage, question, lambda line: _judged(line, custodian, share_set, before))


def ask_share(stage: Stage, question: str, judge: Callable[[str], TypedShare]) -> TypedShare | None:
    """Return a share, or None when its custodian passes or mistypes it `MAX_TRIES` times."""
    for _ in range(MAX_TRIES):
        line = stage.ask_secret(question)
        if not line.strip():
            return None
        try:
            return judge(line)
        except (InvalidInput, NotAllowed) as error:
            stage.say(f"{error.code}: {both(error.title_zh, error.title)}")
    return None


def _judged(line: str, custodian: Custodian, share_set: int, before: tuple[TypedShare, ...]) -> TypedShare:
    typed = check_share(parse_share(line), share_set=share_set, before=before)
    if typed.number != custodian.number:
        raise ShareOfAnotherCustodian(field="share")
    return typed
