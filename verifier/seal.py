"""Step 5: the SES seal itself (GB/T 38540 clause 7.2), apart from the signature that it was applied with.

Everything that depends on the bytes of the seal alone is judged once and kept, if the maker is known: a seal of 100 kB
is applied to thousands of files. What depends on time or on trust is judged anew for each file.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from trust.formats.ses import SealInfo, SealMalformed, SealTooLarge, SealVersionUnsupported, parse_seal
from trust.formats.x509 import SEAL_MAKING_OID, X509, X509Malformed, parse_x509
from trust.gm.errors import KeyUnusable, SignatureInvalid
from trust.gm.sm3 import sm3
from trust.kernel.algorithms import TABLE, Algorithm
from trust.signatures import verify
from verifier.chain import TRUSTED, Chains

SEAL_VALID: Final = "seal-valid"
MAKER_UNJUDGED: Final = "seal-maker-unjudged"


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


_KEPT: Final = 4096  # seals of known makers: one for each authority of a city, some 2 kB each without its picture
_SM2 = TABLE[Algorithm.SM2_SM3]
# The text of CertDigestObj.type is not confirmed by any source at hand: the names that are met are read.
_DIGESTS: Mapping[str, Callable[[bytes], bytes]] = {
    "SM3": sm3,
    "1.2.156.10197.1.401": sm3,
    "SHA256": _sha256,
    "2.16.840.1.101.3.4.2.1": _sha256,
}
_MAKER_CODES = {
    "x509-revoked": "seal-maker-revoked",
    "x509-expired": "seal-maker-expired",
    "crl-missing": MAKER_UNJUDGED,
    "crl-stale": MAKER_UNJUDGED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SealResult:
    """A code of the table of reasons for step 5. `name` is the seal's name, once its maker's signature is right."""

    code: str
    detail: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seal:
    """What is kept of a seal whose maker's signature is right: all but the picture."""

    name: str
    created: datetime
    valid_from: datetime
    valid_until: datetime
    maker: X509
    listed: frozenset[bytes]
    digests: tuple[tuple[str, bytes], ...]

    def lists(self, signer: X509) -> bool:
        return signer.der in self.listed or any(
            kind.upper() in _DIGESTS and _DIGESTS[kind.upper()](signer.der) == value for kind, value in self.digests
        )


class _Refused(Exception):
    def __init__(self, result: SealResult) -> None:
        super().__init__(result.code)
        self.result = result


class Seals:
    """Judges seals."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._good: dict[bytes, _Seal] = {}
        self._lock = Lock()

    def judge(self, der: bytes, signer: X509, *, used_at: datetime, moment: datetime) -> SealResult:
        """Judge the seal as it was used by `signer` at `used_at`, looking at its maker's X.509 at `moment`."""
        key = hashlib.sha256(der).digest()
        try:
            seal = self._good.get(key) or _read(der)
        except _Refused as refused:
            return refused.result
        chain = self._chains.judge(seal.maker, (), moment)
        code = SEAL_VALID if chain.code == TRUSTED else _MAKER_CODES.get(chain.code, "seal-maker-untrusted")
        if code in (SEAL_VALID, MAKER_UNJUDGED):
            self._keep(key, seal)
            code = _fault(seal, signer, used_at) or code
        return SealResult(code=code, detail=chain.code if chain.code != TRUSTED else None, name=seal.name)

    def _keep(self, key: bytes, seal: _Seal) -> None:
        """Keep a seal of a maker that is known: of makers that anybody may invent, gigabytes could be sent."""
        with self._lock:
            if key not in self._good and len(self._good) >= _KEPT:
                self._good.clear()
            self._good[key] = seal


def _fault(seal: _Seal, signer: X509, used_at: datetime) -> str | None:
    """Return what is wrong with a seal of a good maker as `signer` used it."""
    if not _makes_seals(seal.maker) or not seal.maker.not_before <= seal.created <= seal.maker.not_after:
        return "seal-maker-untrusted"
    if not seal.valid_from <= used_at <= seal.valid_until:
        return "seal-not-valid-at-signing"
    return None if seal.lists(signer) else "seal-signer-not-listed"


def _makes_seals(maker: X509) -> bool:
    """Who may use a seal does not make it (law 9): a maker's X.509 says that it makes seals, no other one does."""
    return SEAL_MAKING_OID in (maker.extended_key_usage or ())


def _read(der: bytes) -> _Seal:
    try:
        seal = parse_seal(der)
        maker = parse_x509(seal.maker_x509)
        if seal.signature_oid != _SM2.signature_oid:
            raise _Refused(SealResult(code="algorithm-refused", detail=seal.signature_oid))
        verify(Algorithm.SM2_SM3, maker.spki, seal.info_der, seal.signature)
    except SealVersionUnsupported as error:
        raise _Refused(SealResult(code="seal-version-unsupported", detail=error.detail)) from None
    except (SealMalformed, SealTooLarge, X509Malformed) as error:
        raise _Refused(SealResult(code="seal-malformed", detail=error.detail)) from None
    except (SignatureInvalid, KeyUnusable):
        raise _Refused(SealResult(code="seal-signature-invalid")) from None
    return _kept(seal.info, maker)


def _kept(info: SealInfo, maker: X509) -> _Seal:
    return _Seal(
        name=info.name,
        created=info.created,
        valid_from=info.valid_from,
        valid_until=info.valid_until,
        maker=maker,
        listed=frozenset(info.signer_x509s),
        digests=tuple((digest.type, digest.value) for digest in info.signer_digests),
    )
