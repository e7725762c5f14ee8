"""Browsers that a person has signed in from before (OWASP "device cookies").

Whoever guesses a password does it from a browser that never signed in to the account. A browser that did holds a token
which only this installation can make, for that one account; failures of known browsers are counted apart, so guessing
by strangers never slows the person at their own browser.
"""

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Self

from trust.kernel.encoding import base64url
from trust.kernel.randomness import Randomness
from trust.sealing import BlindIndex

DEVICE_LIFE: Final = timedelta(days=180)
"""How long a browser stays known without a sign-in: people see an office twice a year."""

_NONCE_BYTES: Final = 16
_TIME_BYTES: Final = 8
_MAC_BYTES: Final = 16
_TOKEN_BYTES: Final = _NONCE_BYTES + _TIME_BYTES + _MAC_BYTES
_TOKEN = re.compile("[A-Za-z0-9_-]{54}")  # 40 bytes in base64url

# Words that a browser's own description may hold, the telling ones first: Edge calls itself Chrome, Chrome Safari.
_BROWSERS: Final = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Where a request comes from. `address` is a limiter's key (`trust.http.rate.client_address`).

    `label` is shown in the person's list of sessions; `token` is the device cookie, or None.
    """

    address: str
    label: str
    token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, *, address: str, user_agent: str, token: str | None = None) -> Self:
        """Return the device; its label has words of our own only, nothing of the text that the browser sent."""
        return cls(address=address, label=_label(user_agent), token=token)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """A browser whose token is genuine for one person; `bucket` names its own counter of failures."""

    bucket: str


class DeviceTokens:
    """Makes and judges device tokens: nonce, end of life and a MAC over both and the person."""

    def __init__(self, index: BlindIndex, randomness: Randomness) -> None:
        self._index = index
        self._randomness = randomness

    def issue(self, person: str, *, now: datetime) -> str:
        """Return a new token for a browser from which `person` has just signed in."""
        body = self._randomness.token(_NONCE_BYTES) + _seconds(now + DEVICE_LIFE)
        return base64url(body + self._mac(person, body))

    def recognise(
        self, token: str | None, person: str | None, *, now: datetime, after: datetime | None = None
    ) -> KnownDevice | None:
        """Return the known device, or None for a token that is absent, expired, of another person or not ours.

        One that was issued up to the second of `after` no longer counts: a stranger may have held the account then.
        """
        raw = _decoded(token or "")
        body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        genuine = hmac.compare_digest(mac, self._mac(person or "", body))
        ends = body[_NONCE_BYTES:]
        if person is None or not genuine or ends <= _seconds(now):
            return None
        if after is not None and ends <= _seconds(after + DEVICE_LIFE):
            return None
        return KnownDevice(bucket=body[:_NONCE_BYTES].hex())

    def _mac(self, person: str, body: bytes) -> bytes:
        return self._index.of(f"{person}\x00{body.hex()}", domain="sso.signin.device")


def _seconds(moment: datetime) -> bytes:
    return int(moment.timestamp()).to_bytes(_TIME_BYTES, "big")


def _decoded(token: str) -> bytes:
    """Return the bytes of a token; of anything else as many zero bytes, whose MAC cannot match."""
    if not _TOKEN.fullmatch(token):
        return bytes(_TOKEN_BYTES)
    try:
        return base64.urlsafe_b64decode(token + "==")
    except binascii.Error:
        return bytes(_TOKEN_BYTES)


def _label(user_agent: str) -> str:
    browser = next((name for word, name in _BROWSERS if word in user_agent), "Browser")
    system = next((name for word, name in _SYSTEMS if word in user_agent), "")
    return f"{browser}, {system}" if system else browser
