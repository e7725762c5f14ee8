"""A stored seal is verified before it is used: nothing that was altered in the database ever stamps a document.

Steps of GB/T 38540 as far as they concern the maker's own seals: a format, b signature value, c the maker, and that
the owner's key is listed. Chain and revocation of the certificates are the verifier's business; validity in time is
asked at each use (`check_in_force`).
"""

from dataclasses import dataclass
from datetime import datetime

from seals.domain import Maker, SealRecord
from seals.errors import SealBroken, SealNotInForce, SealNotMade, SealSignerNotListed
from seals.picture import is_alike
from seals.stamp import Ink, ink
from trust.formats.cms import CmsTemplate
from trust.formats.ses import Seal, parse_seal
from trust.formats.x509 import X509, parse_x509
from trust.kernel.algorithms import TABLE, Algorithm
from trust.kernel.errors import TrustError
from trust.keys import KeyRef
from trust.signatures import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSeal:
    """A verified seal, ready to stamp."""

    record: SealRecord
    seal: Seal
    signer_x509: X509
    key: KeyRef
    ink: Ink

    def check_in_force(self, now: datetime) -> None:
        """Raise `SealNotInForce` outside the validity of the seal or of its signer's certificate."""
        begins = max(self.seal.info.valid_from, self.signer_x509.not_before)
        ends = min(self.seal.info.valid_until, self.signer_x509.not_after)
        if not begins <= now <= ends:
            raise SealNotInForce(
                f"The seal is valid from {begins:%Y-%m-%d} to {ends:%Y-%m-%d}.", seal=self.record.seal_id
            )


def load(record: SealRecord, *, maker: Maker | None, signer_spki: bytes) -> LoadedSeal:
    """Return the seal after every check that does not depend on the time.

    Raises:
        SealNotMade: it is not made yet.
        SealBroken: it does not verify, or is not what its record says.
        SealSignerNotListed: the key in the device is not that of a listed certificate.
    """
    made = record.made
    if made is None:
        raise SealNotMade(seal=record.seal_id)
    if maker is None:
        raise SealBroken(seal=record.seal_id, reason="no maker")
    try:
        seal = parse_seal(made.der)
        _check_maker(seal, maker)
        listed = [parse_x509(x509) for x509 in seal.info.signer_x509s]
        chain = [parse_x509(x509) for x509 in made.chain]
    except TrustError as error:
        raise SealBroken(seal=record.seal_id, reason=error.code) from None
    _check_record(seal, record)
    signer_x509 = next((x509 for x509 in listed if x509.spki == signer_spki), None)
    if signer_x509 is None:
        raise SealSignerNotListed(seal=record.seal_id)
    return LoadedSeal(
        record=record,
        seal=seal,
        signer_x509=signer_x509,
        key=made.signer_key,
        ink=ink(owner=seal.info.name, seal_der=seal.der, vector=made.vector, cms=CmsTemplate(signer_x509, chain)),
    )


def _check_maker(seal: Seal, maker: Maker) -> None:
    if seal.maker_x509 != maker.x509 or seal.signature_oid != TABLE[Algorithm.SM2_SM3].signature_oid:
        raise SealBroken(reason="other maker or algorithm")
    verify(Algorithm.SM2_SM3, parse_x509(maker.x509).spki, seal.info_der, seal.signature)


def _check_record(seal: Seal, record: SealRecord) -> None:
    """The row is not signed, the seal is: what both say must agree, and the vector must show the signed picture."""
    made = record.made
    same = (seal.info.seal_id, seal.info.name) == (record.seal_id, record.application.text.name)
    if not same or made is None or not is_alike(made.vector, seal.info.picture.data):
        raise SealBroken(seal=record.seal_id, reason="seal and record differ")
