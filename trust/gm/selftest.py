"""The self-test at start: published values must come out, wrong ones must be refused, or nothing runs.

The vectors are those of GB/T 32905 (SM3), GB/T 32907 (SM4), GB/T 32918.5 (SM2) and RFC 8998 (SM4-GCM). The parts under
test are arguments, so that a test can put a lying one in and see the refusal.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from trust.gm import engine as engines
from trust.gm import sm3, sm4
from trust.gm.curve import DEFAULT_ID, za
from trust.gm.encoding import decode_pkcs8
from trust.gm.errors import CiphertextInvalid, EngineFailed, KeyUnusable, SelfTestFailed, SignatureInvalid
from trust.gm.ports import Engine
from trust.kernel.errors import TrustError

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_hex = bytes.fromhex

_SM3_VECTORS: Final = (
    (b"abc", _hex("66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0")),
    (b"abcd" * 16, _hex("debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")),
)
_POINT: Final = _hex(
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_OFF_CURVE: Final = b"\x04" + bytes(31) + b"\x01" + bytes(31) + b"\x01"
# The private key is the published example of GB/T 32918.5 and protects nothing.
_PKCS8: Final = (
    _hex(
        "308187020100301306072a8648ce3d020106082a811ccf5501822d046d306b0201010420"
        "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8a144034200"
    )
    + _POINT
)
_MESSAGE: Final = b"message digest"
_ZA: Final = _hex("b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3")
_E: Final = _hex("f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640")
_R: Final = "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
_SIGNATURE: Final = _hex(_R + "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa")
_S_ZERO: Final = _hex("3026" + _R[4:] + "020100")
_PLAINTEXT: Final = b"encryption standard"
_C1: Final = (
    "307c022004ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "022100e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df00420"
)
_C2: Final = "041321886ca989ca9c7d58087307ca93092d651efa"
_CIPHERTEXT: Final = _hex(_C1 + "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766" + _C2)
_C3_ZEROED: Final = _hex(_C1 + "00" * 32 + _C2)
_SM4_KEY: Final = _hex("0123456789abcdeffedcba9876543210")
_SM4_BLOCK: Final = _hex("681edf34d206965e86b3e94f536e4246")
_GCM_NONCE: Final = _hex("00001234567800000000abcd")
_GCM_ASSOCIATED: Final = _hex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_GCM_PLAINTEXT: Final = b"".join(_hex(digits * 8) for digits in ("aa", "bb", "cc", "dd", "ee", "ff", "ee", "aa"))
_GCM_SEALED: Final = _hex(
    "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
    "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
    "83de3541e4c2b58177e065a9bf7b62ec"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was tested: the engine as it names itself, and every check that passed."""

    engine: str
    version: str
    location: str
    private_operations: bool
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm4Functions:
    """The SM4 functions under test."""

    encrypt_cbc: Callable[[bytes, bytes, bytes], bytes] = sm4.encrypt_cbc
    encrypt_gcm: Callable[[bytes, bytes, bytes, bytes], bytes] = sm4.encrypt_gcm
    decrypt_gcm: Callable[[bytes, bytes, bytes, bytes], bytes] = sm4.decrypt_gcm


class _Checks:
    """Runs one check after the other and remembers which passed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.passed: list[str] = []

    def _fail(self, check: str) -> SelfTestFailed:
        detail = f"The self-test {check!r} failed on {self._engine.name} ({self._engine.version})."
        return SelfTestFailed(detail, check=check, library=self._engine.location)

    def _attempt(self, check: str, outcome: Callable[[], _T]) -> _T:
        try:
            return outcome()
        except TrustError:
            raise self._fail(check) from None

    def obtain(self, check: str, outcome: Callable[[], _T]) -> _T:
        """Return `outcome()`; pass when it raises nothing."""
        value = self._attempt(check, outcome)
        self.passed.append(check)
        return value

    def expect(self, check: str, outcome: Callable[[], object], expected: object) -> None:
        """Pass when `outcome()` equals `expected`."""
        if self._attempt(check, outcome) != expected:
            raise self._fail(check)
        self.passed.append(check)

    def refuse(self, check: str, outcome: Callable[[], object], *refusals: type[TrustError]) -> None:
        """Pass when `outcome()` raises one of `refusals`."""
        try:
            outcome()
        except refusals:
            self.passed.append(check)
            return
        except TrustError:
            raise self._fail(check) from None
        raise self._fail(check)


def _test_hash(checks: _Checks, hash_function: Callable[[bytes], bytes]) -> None:
    for number, (message, digest) in enumerate(_SM3_VECTORS, start=1):
        checks.expect(f"sm3 vector {number}", partial(hash_function, message), digest)
    checks.expect("sm2 za", lambda: za(_POINT, DEFAULT_ID, hash_function), _ZA)
    checks.expect("sm2 e", lambda: hash_function(_ZA + _MESSAGE), _E)


def _test_verification(checks: _Checks, engine: Engine) -> None:
    def verify(e: bytes, signature: bytes) -> None:
        engine.load_public(_POINT).verify_digest(e, signature)

    changed = bytes((_E[0] ^ 1,)) + _E[1:]
    checks.expect("sm2 verify published", lambda: verify(_E, _SIGNATURE), None)
    checks.refuse("sm2 verify changed digest", lambda: verify(changed, _SIGNATURE), SignatureInvalid)
    # Engines may call a value that is no signature a failure of theirs: `trust.gm.sm2` never hands them one.
    malformed = (SignatureInvalid, EngineFailed)
    checks.refuse("sm2 verify s = 0", lambda: verify(_E, _S_ZERO), *malformed)
    checks.refuse("sm2 verify trailing byte", lambda: verify(_E, _SIGNATURE + b"\0"), *malformed)
    checks.refuse("sm2 point off curve", lambda: engine.load_public(_OFF_CURVE), KeyUnusable)


def _test_private(checks: _Checks, engine: Engine) -> None:
    public = checks.obtain("sm2 load public", lambda: engine.load_public(_POINT))
    key = checks.obtain("sm2 load private", lambda: engine.load_private(decode_pkcs8(_PKCS8).scalar))
    checks.expect("sm2 public from private", lambda: key.point, _POINT)
    checks.expect("sm2 sign, then verify", lambda: public.verify_digest(_E, key.sign_digest(_E)), None)
    checks.expect("sm2 fresh nonce", lambda: key.sign_digest(_E) != key.sign_digest(_E), expected=True)
    checks.expect("sm2 decrypt published", lambda: key.decrypt(_CIPHERTEXT), _PLAINTEXT)
    checks.refuse("sm2 decrypt zeroed c3", lambda: key.decrypt(_C3_ZEROED), CiphertextInvalid)
    checks.expect("sm2 encrypt, then decrypt", lambda: key.decrypt(public.encrypt(_PLAINTEXT)), _PLAINTEXT)


def _test_sm4(checks: _Checks, sm4_functions: Sm4Functions) -> None:
    block = bytes(sm4.BLOCK_BYTES)  # CBC of one block under a zero vector is the bare cipher

    def first_block() -> bytes:
        return sm4_functions.encrypt_cbc(_SM4_KEY, block, _SM4_KEY)[: sm4.BLOCK_BYTES]

    def sealed() -> bytes:
        return sm4_functions.encrypt_gcm(_SM4_KEY, _GCM_NONCE, _GCM_PLAINTEXT, _GCM_ASSOCIATED)

    def opened(value: bytes) -> bytes:
        return sm4_functions.decrypt_gcm(_SM4_KEY, _GCM_NONCE, value, _GCM_ASSOCIATED)

    altered = _GCM_SEALED[:-1] + bytes((_GCM_SEALED[-1] ^ 1,))
    checks.expect("sm4 block", first_block, _SM4_BLOCK)
    checks.expect("sm4-gcm seal", sealed, _GCM_SEALED)
    checks.expect("sm4-gcm open", lambda: opened(_GCM_SEALED), _GCM_PLAINTEXT)
    checks.refuse("sm4-gcm altered tag", lambda: opened(altered), CiphertextInvalid)


def run(
    engine: Engine | None = None,
    *,
    hash_function: Callable[[bytes], bytes] = sm3.sm3,
    sm4_functions: Sm4Functions | None = None,
) -> Report:
    """Test the engine of this process (or `engine`), SM3 and SM4, and return what was tested.

    Private operations are tested where the engine has them; a verify-only engine says so in the report.

    Raises:
        SelfTestFailed: a check came out wrong; the process must not go on.
    """
    chosen = engine or engines.current()
    checks = _Checks(chosen)
    try:
        _test_hash(checks, hash_function)
        _test_verification(checks, chosen)
        if chosen.private_operations:
            _test_private(checks, chosen)
        _test_sm4(checks, sm4_functions or Sm4Functions())
    except SelfTestFailed as failure:
        _log.critical("%s Library: %s", failure.detail, chosen.location)
        raise
    _log.info("self-test passed: %d checks, %s, %s", len(checks.passed), chosen.version, chosen.location)
    return Report(
        engine=chosen.name,
        version=chosen.version,
        location=chosen.location,
        private_operations=chosen.private_operations,
        checks=tuple(checks.passed),
    )
