"""The keys under which tokens are signed and checked, as JSON Web Keys (RFC 7517), and their rotation.

Rotation needs no state of its own: everything follows from when a key was made and whether it was retired.

* published_from: the moment it was made. Every process sees it within `REFRESH_SECONDS`.
* signs_from: `KEYS_CACHE_SECONDS` and `REFRESH_SECONDS` later, when no relying party can hold a key set without it. The
  newest key that may sign does; while no key is that old (a new installation), the oldest signs.
* verified_until: `KEPT_SECONDS` after its successor began to sign. Then it leaves the key set by itself.

A retired key leaves the set at once, with every token under it: retiring is for keys that somebody else may have.
"""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from sso.provider.errors import TokenKeyUnusable
from trust.gm.encoding import decode_spki
from trust.gm.errors import KeyUnusable
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.kernel.encoding import base64url, canonical_json
from trust.kernel.errors import TrustError
from trust.keys import KeyInfo, KeyPurpose, KeyRef, KeyState

ALGORITHM = "ES256"
"""The algorithm of our tokens (RFC 7518 section 3.4) unless a client was registered for SM2."""

SM2_ALGORITHM = "urn:yinxin:alg:SM2-SM3"
"""The private name of SM2 with SM3 in a JWS (docs/adr/0011-sm2-in-jose.md): none is registered."""

SIGNING_ALGORITHMS = (ALGORITHM, SM2_ALGORITHM)
"""What a client may be registered for; closed."""

KEYS_CACHE_SECONDS = 300
"""How long a relying party may keep the key set: a new key is published at least this long before it signs."""

REFRESH_SECONDS = 5
"""How often a process looks for new and retired keys, seconds: retiring takes effect everywhere within it."""

KEPT_SECONDS = 24 * 3600
"""How long a key verifies after its successor began to sign, seconds: longer than the life of any token of ours."""

_COORDINATE_BYTES = 32
_NAMES: Mapping[Algorithm, tuple[str, str]] = {
    Algorithm.ECDSA_P256_SHA256: (ALGORITHM, "P-256"),
    Algorithm.SM2_SM3: (SM2_ALGORITHM, "SM2"),
}

_log = structlog.get_logger("sso.keyring")


@dataclass(frozen=True, slots=True, kw_only=True)
class RingKey:
    """One public key of the ring. `id` is its thumbprint (RFC 7638), `algorithm` the name in a JWS header."""

    id: str
    algorithm: str
    info: KeyInfo
    jwk: Mapping[str, str] = field(repr=False)


class Keyring:
    """The public halves of the token keys. Of each algorithm the first one given signs; the others only verify."""

    def __init__(self, keys: Sequence[KeyInfo]) -> None:
        """Take the keys, the signing one first. Raises `TokenKeyUnusable`, also when none is of ES256."""
        self._keys = {key.id: key for key in map(_ring_key, keys)}
        self._signing: dict[str, RingKey] = {}
        for key in self._keys.values():
            self._signing.setdefault(key.algorithm, key)
        default = self.signing_key()
        self.signing_id: str = default.id
        self.signing_ref: KeyRef = default.info.ref

    def current(self) -> "Keyring":
        """Return itself: a ring that never changes is a source of rings."""
        return self

    def signing_key(self, algorithm: str = ALGORITHM) -> RingKey:
        """Return the key that signs with `algorithm`. Raises `TokenKeyUnusable` when there is none."""
        key = self._signing.get(algorithm)
        if key is None:
            raise TokenKeyUnusable(f"No key of the purpose token-signing signs with {algorithm}.")
        return key

    def find(self, key_id: str) -> RingKey | None:
        """Return the key with this thumbprint, or None."""
        return self._keys.get(key_id)

    @property
    def algorithms(self) -> tuple[str, ...]:
        """The algorithms that can sign."""
        return tuple(name for name in SIGNING_ALGORITHMS if name in self._signing)

    def document(self, algorithm: str = ALGORITHM) -> dict[str, list[dict[str, Any]]]:
        """Return the JWK set of one algorithm as it is published (RFC 7517 section 5).

        SM2 keys have a set of their own: stock clients fail on a set that holds a curve they do not know, although
        the section tells them to ignore it.
        """
        keys = [key for key in self._keys.values() if key.algorithm == algorithm]
        return {"keys": [{**key.jwk, "kid": key.id, "alg": key.algorithm, "use": "sig"} for key in keys]}


class Rings(Protocol):
    """Where the ring of the present moment comes from: a `Keyring`, or a `KeyringSource`."""

    def current(self) -> Keyring:
        """Return the ring that holds now."""
        ...


class KeyringSource:
    """Keeps the ring of a running process in step with the key store. Safe to share between threads."""

    def __init__(self, keys: Callable[[], Sequence[KeyInfo]], clock: Clock) -> None:
        """`keys` returns the public facts of every key (`KeyCustodian.keys`). Raises `TokenKeyUnusable`."""
        self._keys = keys
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = clock.now()
        self._ring: Keyring | None = ring_at(keys(), self._read_at)

    def current(self) -> Keyring:
        """Return the ring, at most `REFRESH_SECONDS` old; when the key store fails, the last one that could be read.

        Raises `TokenKeyUnusable` once the last key was retired: what it signed must not count a moment longer.
        """
        now = self._clock.now()
        if now - self._read_at >= timedelta(seconds=REFRESH_SECONDS) and self._lock.acquire(blocking=False):
            try:
                self._refresh(now)
            finally:
                self._lock.release()
        if self._ring is None:
            raise TokenKeyUnusable("Every key of the purpose token-signing is retired.")
        return self._ring

    def _refresh(self, now: datetime) -> None:
        self._read_at = now
        before = self._ring.signing_id if self._ring else None
        try:
            keys = self._keys()
        except TrustError as error:
            _log.warning("keyring not refreshed", code=error.code, facts=error.facts)
            return
        try:
            self._ring = ring_at(keys, now)
        except TokenKeyUnusable as error:
            _log.error("no token key is usable", code=error.code, facts=error.facts)
            self._ring = None
            return
        if self._ring.signing_id != before:
            _log.info("token key rotated", key=self._ring.signing_ref, kid=self._ring.signing_id)


def ring_at(keys: Sequence[KeyInfo], now: datetime) -> Keyring:
    """Return the ring of a moment out of all keys of the installation. Raises `TokenKeyUnusable`."""
    usable = [key for key in keys if key.purpose is KeyPurpose.TOKEN_SIGNING and key.state is KeyState.ACTIVE]
    chosen: list[KeyInfo] = []
    for algorithm in _NAMES:
        newest_first = sorted(
            (key for key in usable if key.algorithm is algorithm),
            key=lambda key: (key.created_at, key.ref),
            reverse=True,
        )
        chosen += _in_order(newest_first, now)
    return Keyring(chosen)


def signs_from(key: KeyInfo) -> datetime:
    """Return the moment from which every relying party can know the key."""
    return key.created_at + timedelta(seconds=KEYS_CACHE_SECONDS + REFRESH_SECONDS)


def _in_order(newest_first: Sequence[KeyInfo], now: datetime) -> list[KeyInfo]:
    """Return the signing key, the ones published ahead of their time, and the older ones that still verify."""
    ripe = [key for key in newest_first if signs_from(key) <= now] or list(newest_first[-1:])
    unripe = [key for key in newest_first if key not in ripe]
    kept = timedelta(seconds=KEPT_SECONDS)
    older = [key for successor, key in pairwise(ripe) if now < signs_from(successor) + kept]
    return [*ripe[:1], *unripe, *older]


def _ring_key(info: KeyInfo) -> RingKey:
    if info.purpose is not KeyPurpose.TOKEN_SIGNING or info.algorithm not in _NAMES:
        raise TokenKeyUnusable("Tokens need a key of the purpose token-signing.", key=info.ref)
    algorithm, curve = _NAMES[info.algorithm]
    x, y = _sm2_point(info) if info.algorithm is Algorithm.SM2_SM3 else _p256_point(info)
    jwk = {"kty": "EC", "crv": curve, "x": base64url(x), "y": base64url(y)}
    thumbprint = base64url(hashlib.sha256(canonical_json(jwk)).digest())
    return RingKey(id=thumbprint, algorithm=algorithm, info=info, jwk=jwk)


def _p256_point(info: KeyInfo) -> tuple[bytes, bytes]:
    try:
        key = load_der_public_key(info.public_key)
    except (ValueError, UnsupportedAlgorithm):
        raise TokenKeyUnusable("The public half of the token key cannot be read.", key=info.ref) from None
    if not isinstance(key, EllipticCurvePublicKey):
        raise TokenKeyUnusable("The public half of the token key is not on P-256.", key=info.ref)
    numbers = key.public_numbers()
    return numbers.x.to_bytes(_COORDINATE_BYTES, "big"), numbers.y.to_bytes(_COORDINATE_BYTES, "big")


def _sm2_point(info: KeyInfo) -> tuple[bytes, bytes]:
    try:
        point = decode_spki(info.public_key)
    except KeyUnusable:
        raise TokenKeyUnusable("The public half of the token key is not on the SM2 curve.", key=info.ref) from None
    return point[1 : 1 + _COORDINATE_BYTES], point[1 + _COORDINATE_BYTES :]
