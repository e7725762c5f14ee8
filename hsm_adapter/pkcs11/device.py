"""One token behind PKCS#11 as a `SigningDevice`: a profile says how it is reached and how it deviates."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import structlog

from hsm_adapter.api import Holding
from hsm_adapter.errors import KeyUnknown
from hsm_adapter.pkcs11 import keys
from hsm_adapter.pkcs11.binding import NativeCryptoki
from hsm_adapter.pkcs11.cryptoki import Cryptoki, TokenFlags
from hsm_adapter.pkcs11.encodings import from_signed, mechanism_of, to_sign
from hsm_adapter.pkcs11.errors import DeviceErrored, PinLocked
from hsm_adapter.pkcs11.pin import Login
from hsm_adapter.pkcs11.profile import Pkcs11Profile
from hsm_adapter.pkcs11.sessions import Call, Lane, Sessions
from trust.kernel.algorithms import Algorithm
from trust.kernel.randomness import Randomness

_Result = TypeVar("_Result")
_ID_BYTES: Final = 16
_RANDOM_BYTES: Final = 16
_PIN_WARNING: Final = TokenFlags.USER_PIN_COUNT_LOW | TokenFlags.USER_PIN_FINAL_TRY
_log = structlog.get_logger("hsm_adapter.pkcs11")


class Pkcs11Device:
    """A `SigningDevice`. Nothing is loaded or opened before the first call, so that it may be built before a fork."""

    def __init__(self, profile: Pkcs11Profile, randomness: Randomness, *, cryptoki: Cryptoki | None = None) -> None:
        """Take the profile; `cryptoki` stands in for the library of the profile."""
        self._profile = profile
        self._randomness = randomness
        self._cryptoki = cryptoki or NativeCryptoki(profile)
        self._sessions = Sessions(profile, self._cryptoki, Login(profile, self._cryptoki, randomness))

    @property
    def name(self) -> str:
        """The device's name in the settings."""
        return self._profile.name

    @property
    def sessions(self) -> int:
        """How many signatures it makes at the same time."""
        return self._profile.sessions

    def holdings(self) -> Sequence[Holding]:
        """Return the key pairs of the closed table; others in the token are passed over and logged.

        Raises `DeviceFailed` and its kinds, `DeviceAccessRefused` and its kinds.
        """
        return self._one(lambda lane, call: keys.holdings(self._sessions.session(lane, call), self._profile.quirks))

    def generate(self, algorithm: Algorithm, *, label: str) -> Holding:
        """Make a key pair inside: sensitive, not extractable, for signing only.

        Raises `DeviceCannot` when the device has no mechanism for it or made a key that could be taken out; that key
        is destroyed. `TemplateRefused` when the device refuses the attributes.
        """
        key_id = self._randomness.token(_ID_BYTES)

        def work(_: Lane, call: Call) -> Holding:
            with self._sessions.writing(call) as session:
                return keys.make(session, algorithm, key_id=key_id, label=label, quirks=self._profile.quirks)

        return self._sessions.run([work], seconds=self._profile.generation_seconds)[0]

    def destroy(self, handle: str) -> None:
        """Destroy a private key; the public half stays. Raises `KeyUnknown`, `DeviceCannot`, `TokenReadOnly`."""
        key_id = keys.id_of(handle)

        def work(_: Lane, call: Call) -> None:
            with self._sessions.writing(call) as session:
                session.destroy(keys.private_half(session, key_id))

        self._one(work)

    def sign(self, holding: Holding, messages: Sequence[bytes]) -> Sequence[bytes]:
        """Return one signature per message, in order, over all sessions at once.

        Raises `KeyUnknown`, `DeviceFailed` and its kinds, `DeviceAccessRefused` and its kinds: none is then of use.
        """
        key_id, quirks = keys.id_of(holding.handle), self._profile.quirks
        mechanism = mechanism_of(holding.algorithm, quirks)
        wanted = [to_sign(holding.algorithm, holding.public_key, message, quirks) for message in messages]

        def share(first: int) -> Callable[[Lane, Call], list[bytes]]:
            return lambda lane, call: self._sign(lane, call, key_id, mechanism, wanted[first :: self.sessions])

        shares = self._sessions.run([share(first) for first in range(min(self.sessions, len(wanted)))])
        values = [shares[index % self.sessions][index // self.sessions] for index in range(len(wanted))]
        return [from_signed(holding.algorithm, value, quirks) for value in values]

    def uses(self, handle: str) -> int | None:
        """Return the device's own count of uses; None where the profile names no attribute for it."""
        attribute = self._profile.quirks.uses_attribute
        if attribute is None:
            return None
        key_id = keys.id_of(handle)

        def work(lane: Lane, call: Call) -> int | None:
            session = self._sessions.session(lane, call)
            value = session.read(keys.private_half(session, key_id), attribute)
            return None if value is None else keys.count(value)

        return self._one(work)

    def check(self) -> None:
        """Look at the token's flags, open a session, and have it make random bytes where it can.

        Raises `DeviceFailed` and its kinds, `DeviceAccessRefused` and its kinds.
        """
        self._one(self._check)

    def close(self) -> None:
        """End all sessions; the next call opens new ones. The library stays initialised: others may use it."""
        self._sessions.close()

    def _one(self, work: Callable[[Lane, Call], _Result]) -> _Result:
        return self._sessions.run([work])[0]

    def _check(self, lane: Lane, call: Call) -> None:
        flags = self._cryptoki.token().flags
        if flags & TokenFlags.USER_PIN_LOCKED:
            raise PinLocked(f"{self.name}: the token says that its PIN is locked.")
        if flags & TokenFlags.ERROR_STATE:
            raise DeviceErrored("The token is in its error state (CKF_ERROR_STATE).")
        if flags & _PIN_WARNING:
            _log.warning("pkcs11_pin_count_low", device=self.name)
        session = self._sessions.session(lane, call)
        if self._profile.quirks.random and len(session.random(_RANDOM_BYTES)) != _RANDOM_BYTES:
            raise DeviceErrored("The token made another number of random bytes than it was asked for.")

    def _sign(self, lane: Lane, call: Call, key_id: bytes, mechanism: int, wanted: Sequence[bytes]) -> list[bytes]:
        signed: list[bytes] = []
        for data in wanted:
            if call.ended:  # another share failed, or the caller has gone: nothing of this is of use
                break
            signed.append(self._sign_one(lane, call, key_id, mechanism, data))
        return signed

    def _sign_one(self, lane: Lane, call: Call, key_id: bytes, mechanism: int, data: bytes) -> bytes:
        session = self._sessions.session(lane, call)
        known = lane.objects.get(key_id)
        if known is not None:
            try:
                return session.sign(known, mechanism, data)
            except KeyUnknown:  # object handles may change when a token comes back: the key is looked for anew
                session = self._sessions.reopen(lane, call)
        key = lane.objects[key_id] = keys.signing_half(session, key_id)
        return session.sign(key, mechanism, data)
