"""Passwords: what may become one, and how it is kept (OWASP password storage, NIST SP 800-63B section 3.1.1)."""

import math
import re
import threading
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from zxcvbn import zxcvbn  # type: ignore[import-untyped]
from zxcvbn.matching import L33T_TABLE, RANKED_DICTIONARIES  # type: ignore[import-untyped]

from sso.accounts.domain import Person
from sso.signin.errors import PasswordCharacters, PasswordLength, PasswordWeak

PASSWORD_MIN: Final = 10
"""Fewest characters: what fewer can hold is guessed offline within days if the table and its key are ever stolen."""

PASSWORD_MAX: Final = 128
"""Most characters: NIST wants 64 at least; more than 128 adds nothing and would only be work for the server."""

SCORE_MIN: Final = 3
"""Least score of zxcvbn: 10^8 guesses, more than throttled guessing makes in a lifetime."""

_ESTIMATED = 36  # characters that zxcvbn looks at: its time grows with the square, and a prefix is never stronger
_READINGS_MAX = 8  # ways to read digits and signs as letters (4 or @ as a) that it tries one by one: they multiply
_PIECES_MIN = 4  # characters: a shorter piece of a number stands in passwords by chance
_zxcvbn_alone = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one Argon2id hash costs: passes, and memory in KiB. libsodium always uses one lane (p=1)."""

    passes: int
    memory_kib: int

    @property
    def mark(self) -> bytes:
        """How every hash of this cost begins (PHC string format)."""
        return b"$argon2id$v=19$m=%d,t=%d,p=1$" % (self.memory_kib, self.passes)


OWASP: Final = Cost(passes=2, memory_kib=19456)
"""Argon2id (t=2, m=19 MiB, p=1) of the OWASP password storage cheat sheet; about 23 ms a hash here."""


class PasswordHasher(Protocol):
    """Hashes and verifies passwords."""

    def hash(self, password: str) -> bytes:
        """Return a salted hash in PHC string format."""
        ...

    def matches(self, hashed: bytes, password: str) -> bool:
        """Whether `password` is the one that was hashed; costs one hash whatever the answer."""
        ...

    def outdated(self, hashed: bytes) -> bool:
        """Whether the hash has another cost than new ones get."""
        ...


class Argon2idHasher:
    """`PasswordHasher` by libsodium, which draws the salts itself."""

    def __init__(self, cost: Cost = OWASP) -> None:
        self._cost = cost

    def hash(self, password: str) -> bytes:
        """Return a salted hash in PHC string format."""
        return bytes(
            argon2id.str(_encoded(password), opslimit=self._cost.passes, memlimit=self._cost.memory_kib * 1024)
        )

    def matches(self, hashed: bytes, password: str) -> bool:
        """Whether `password` is the one that was hashed."""
        try:
            return bool(argon2id.verify(hashed, _encoded(password)))
        except CryptoError:
            return False

    def outdated(self, hashed: bytes) -> bool:
        """Whether the hash has another cost than new ones get."""
        return not hashed.startswith(self._cost.mark)


def check_new_password(password: str, person: Person) -> str:
    """Return a password that `person` may take.

    Raises:
        PasswordLength: outside `PASSWORD_MIN` to `PASSWORD_MAX` characters after normalisation (NFC).
        PasswordCharacters: a control character or a lone surrogate.
        PasswordWeak: easy to guess, counting the person's own name and number among the first guesses.
    """
    text = unicodedata.normalize("NFC", password)
    if not PASSWORD_MIN <= len(text) <= PASSWORD_MAX:
        raise PasswordLength(f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters.", field="password")
    if any(unicodedata.category(found) in {"Cc", "Cs"} for found in text):
        raise PasswordCharacters(field="password")
    if _score(_estimated(text), _own_words(person)) < SCORE_MIN:
        raise PasswordWeak(field="password")
    return text


def _encoded(password: str) -> bytes:
    """Return the bytes to hash: one text typed on two keyboards is one password; a lone surrogate matches nothing."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _own_words(person: Person) -> list[str]:
    """Return what of the person a guesser tries first: name, number, birthday, ends of the number."""
    number = person.code.number
    pieces = [number[6:14], number[8:14], number[-6:], number[-4:], *re.split(r"\W+", person.name)]
    return [person.name, number, *(piece for piece in pieces if len(piece) >= _PIECES_MIN)]


def _estimated(password: str) -> str:
    """Return the beginning of a password that is estimated, within 50 ms however it was made up.

    Of 72 characters that were all signs for letters the library tried thousands of readings, for seconds, and held up
    everybody else. What holds so many different signs is strong enough by its beginning.
    """
    text = password[:_ESTIMATED]
    while _readings(text) > _READINGS_MAX:
        text = text[:-1]
    return text


def _readings(password: str) -> int:
    present = set(password)
    return math.prod(max(1, len(present.intersection(signs))) for signs in L33T_TABLE.values())


def _score(password: str, own_words: Iterable[str]) -> int:
    # The library keeps the words of the last call in a table of its module: one caller at a time, and nothing stays.
    with _zxcvbn_alone:
        try:
            return int(zxcvbn(password, user_inputs=list(own_words))["score"])
        finally:
            RANKED_DICTIONARIES.pop("user_inputs", None)
