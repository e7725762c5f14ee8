"""Step 6 for one X.509: path to a root, algorithms, validity and revocation (RFC 5280), by pyhanko-certvalidator.

The library passes NIST's PKITS; the SM2 hook of `trust.formats` gives it our algorithm, and the policy below closes
the table. It takes some 10 ms a path, so what it found good is kept for as long as nothing in it can change: the
common validity of the X.509s and the lists that it rests on, under the same trust material.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto import algos, keys
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    ExpiredError,
    InsufficientRevinfoError,
    NotYetValidError,
    PathError,
    RevokedError,
    StaleRevinfoError,
    ValidationError,
)
from pyhanko_certvalidator.policy_decl import AlgorithmUsageConstraint, AlgorithmUsagePolicy
from typing_extensions import override

from trust.formats.crl import Crl, parse_crl
from trust.formats.pyhanko_sm2 import Sm2SignatureValidator
from trust.formats.x509 import X509, KeyUsage, parse_x509
from trust.gm.errors import KeyUnusable, SignatureInvalid
from trust.kernel.algorithms import TABLE, Algorithm
from trust.kernel.errors import MalformedInput
from trust.signatures import verify
from verifier.errors import TrustMaterialUnusable
from verifier.ports import TrustMaterial, TrustSource

TRUSTED: Final = "chain-trusted"
FRESHNESS: Final = frozenset({"crl-missing", "crl-stale"})
"""The path is good, so it is known who signed; only whether it was revoked since is not."""
_KEPT: Final = 8192  # good paths: one signer and one maker for each of 4,000 authorities, about 16 MB
_SM2 = TABLE[Algorithm.SM2_SM3]
_SIGNING = {KeyUsage.DIGITAL_SIGNATURE, KeyUsage.NON_REPUDIATION}
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (RevokedError, "x509-revoked"),
    (StaleRevinfoError, "crl-stale"),
    (InsufficientRevinfoError, "crl-missing"),
    (ExpiredError, "x509-expired"),
    (NotYetValidError, "x509-not-yet-valid"),
)


class _Sm2Only(AlgorithmUsagePolicy):
    """Lets SM2 with SM3 pass and nothing else: chain and lists of an SM2 service have no other signature."""

    @override
    def signature_algorithm_allowed(
        self, algo: algos.SignedDigestAlgorithm, moment: datetime | None, public_key: keys.PublicKeyInfo | None
    ) -> AlgorithmUsageConstraint:
        return AlgorithmUsageConstraint(allowed=algo["algorithm"].dotted == _SM2.signature_oid)

    @override
    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        return AlgorithmUsageConstraint(allowed=algo["algorithm"].native == _SM2.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainResult:
    """A code of the table of reasons for step 6, and what is behind it."""

    code: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _GoodPath:
    """A path found good, and the time in which nothing that it rests on begins or ends."""

    since: datetime
    until: datetime
    path: frozenset[bytes]


class _Anchors:
    """One generation of trust material, parsed, with the paths found good under it."""

    def __init__(self, material: TrustMaterial) -> None:
        self.material = material
        try:
            self._known = [parse_x509(der) for der in (*material.roots, *material.intermediates)]
            self._crls = [parse_crl(der) for der in material.crls]
        except MalformedInput as error:
            raise TrustMaterialUnusable(error.detail) from error
        self._roots = [asn1_x509.Certificate.load(der) for der in material.roots]
        self._intermediates = [asn1_x509.Certificate.load(der) for der in material.intermediates]
        self._lists = [asn1_crl.CertificateList.load(der) for der in material.crls]
        self._good: dict[bytes, _GoodPath] = {}

    def judge(self, leaf: X509, extra: Sequence[X509], moment: datetime) -> ChainResult:
        key = hashlib.sha256(leaf.der).digest()
        good = self._good.get(key)
        if good is None or not good.since <= moment < good.until:
            issuers = self._issuers(extra)
            fault, path = self._path(leaf, issuers, moment, lists=True)
            if fault in FRESHNESS:
                # The library walks from the root down: below a missing list it has not yet looked at any signature.
                unread, path = self._path(leaf, issuers, moment, lists=False)
                fault = unread or fault
            if path and self._is_listed(path):
                fault = "x509-revoked"
            if fault is not None:
                return ChainResult(code=fault)
            good = self._keep(key, path)
        # The certificates in a CMS are not signed: one that the path does not need would let the file be changed.
        stray = any(x509.der not in good.path for x509 in extra)
        return ChainResult(code="x509-stray" if stray else TRUSTED)

    def _issuers(self, extra: Sequence[X509]) -> list[X509]:
        """Return those of `extra` that are CAs below what is known here, each by the signature of the one above it.

        The library tries every order of the X.509s that it is given before it looks at a signature: eight of one name,
        which anybody can make, take it half a minute.
        """
        found: list[X509] = []
        waiting = [x509 for x509 in dict.fromkeys(extra) if x509.is_ca]
        grew = True
        while grew:
            below = [x509 for x509 in waiting if any(_issued(by, x509) for by in (*self._known, *found))]
            waiting = [x509 for x509 in waiting if x509 not in below]
            found += below
            grew = bool(below and waiting)
        return found

    def _keep(self, key: bytes, path: Sequence[X509]) -> "_GoodPath":
        since, until = self._window(path)
        if len(self._good) >= _KEPT:
            self._good.clear()
        self._good[key] = _GoodPath(since=since, until=until, path=frozenset(x509.der for x509 in path))
        return self._good[key]

    def _path(
        self, leaf: X509, extra: Iterable[X509], moment: datetime, *, lists: bool
    ) -> tuple[str | None, Sequence[X509]]:
        """Return why there is no good path, or None and the path; with `lists`, each of it must have a present list."""
        try:
            path = asyncio.run(self._validator(leaf, extra, moment, lists=lists).async_validate_path())
        except (ValidationError, PathError, ValueError, TypeError, KeyError, NotImplementedError) as fault:
            return _code_of(fault), ()
        return None, [parse_x509(x509.dump()) for x509 in path.iter_certs(include_root=True)]

    def _is_listed(self, path: Sequence[X509]) -> bool:
        """Whether a list names one of the path. The library lets pass what a list dates to this second or later."""
        return any(
            crl.issuer.der == x509.issuer.der and x509.serial in crl.revoked for crl in self._crls for x509 in path
        )

    def _validator(self, leaf: X509, extra: Iterable[X509], moment: datetime, *, lists: bool) -> CertificateValidator:
        context = ValidationContext(
            trust_roots=self._roots,
            other_certs=self._intermediates,
            crls=self._lists if lists else (),
            moment=moment,
            revocation_mode="require" if lists else "soft-fail",
            allow_fetching=False,
            algorithm_usage_policy=_Sm2Only(),
            signature_validator=Sm2SignatureValidator(),
        )
        others = [asn1_x509.Certificate.load(x509.der) for x509 in extra]
        return CertificateValidator(asn1_x509.Certificate.load(leaf.der), others, context)

    def _window(self, path: Sequence[X509]) -> tuple[datetime, datetime]:
        """The time in which nothing that a good path rests on begins or ends."""
        issuers = {x509.issuer.der for x509 in path}
        latest: dict[bytes, Crl] = {}
        for crl in self._crls:
            known = latest.get(crl.issuer.der)
            if crl.issuer.der in issuers and (known is None or crl.next_update > known.next_update):
                latest[crl.issuer.der] = crl
        since = max(*(x509.not_before for x509 in path), *(crl.this_update for crl in latest.values()))
        until = min(*(x509.not_after for x509 in path), *(crl.next_update for crl in latest.values()))
        return since, until


def _issued(by: X509, x509: X509) -> bool:
    """Whether the key of the CA `by` signed `x509`."""
    if not by.is_ca or by.subject.der != x509.issuer.der or x509.signature_oid != _SM2.signature_oid:
        return False
    try:
        verify(Algorithm.SM2_SM3, by.spki, x509.tbs, x509.signature)
    except (SignatureInvalid, KeyUnusable):
        return False
    return True


def _code_of(fault: Exception) -> str:
    return next((code for kind, code in _FAULTS if isinstance(fault, kind)), "chain-untrusted")


class Chains:
    """Judges X.509s against what a trust source holds at the moment."""

    def __init__(self, trust: TrustSource) -> None:
        self._trust = trust
        self._anchors: _Anchors | None = None

    def judge(self, leaf: X509, extra: Sequence[X509], moment: datetime) -> ChainResult:
        """Judge `leaf` as a signer's X.509 at `moment`; `extra` are X.509s that came with it, trusted in nothing.

        Raises:
            TrustMaterialUnusable: the trust source holds something that cannot be read.
        """
        usage = leaf.key_usage
        if leaf.is_ca or (usage is not None and not usage & _SIGNING):
            return ChainResult(code="x509-usage")
        material = self._trust.material()
        anchors = self._anchors
        if anchors is None or anchors.material != material:
            anchors = self._anchors = _Anchors(material)
        return anchors.judge(leaf, extra, moment)
