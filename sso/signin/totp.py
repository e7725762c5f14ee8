"""One-time codes by time (RFC 6238): 6 digits, SHA-1, 30 seconds, as every authenticator app takes them."""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import pyotp
from pyotp.exceptions import OTPVerificationError

SECRET_BYTES: Final = 20
"""160 bits: what RFC 4226 section 4 recommends, and the length of the HMAC."""

WINDOW: Final = 1
"""Steps accepted before and after the present one (RFC 6238 section 5.2): clocks and typing take up to 30 s."""

_CODE = re.compile("[0-9]{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpEnrolment:
    """What the person's app needs, shown once: the secret in base32 and the same as an `otpauth:` address for a QR."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def enrolment(secret: bytes, *, account: str, issuer: str) -> TotpEnrolment:
    """Return what the app needs; `account` and `issuer` are what it shows, `account` never a number in full."""
    totp = _totp(secret)
    return TotpEnrolment(secret=totp.secret, uri=totp.provisioning_uri(name=account, issuer_name=issuer))


def step_of(secret: bytes, code: str, *, now: datetime) -> int | None:
    """Return the time step whose code this is, or None. Spaces, as apps show them, are left out.

    The caller must accept each step once only (RFC 6238 section 5.2).
    """
    typed = "".join(code.split())
    if not _CODE.fullmatch(typed):
        return None
    try:
        return _totp(secret).verify_and_get_timecode(typed, for_time=now, valid_window=WINDOW)
    except OTPVerificationError:
        return None


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(secret).decode("ascii"))
