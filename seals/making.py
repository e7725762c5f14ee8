"""The making point (制章点): keys, certificates, picture, and the SES seal that binds them under the maker's signature.

Only operator commands have one, because it holds the custodian of the device. Each step finds what an interrupted
run left behind, so repeating an approval finishes it and makes nothing twice.
"""

from datetime import datetime

from seals.artwork import SIZE_MM, SealText, draw
from seals.domain import MadeSeal, Maker, SealRecord
from seals.errors import NoMakingPoint
from seals.outlines import FontChain
from seals.picture import as_operators, as_png
from seals.ports import SealStore, X509Issuer
from trust.authority.domain import X509Subject
from trust.authority.profiles import CaRole, Profile
from trust.formats.ses import SealInfo, SealPicture, assemble_seal, build_seal_info
from trust.formats.x509 import X509, parse_x509
from trust.kernel.algorithms import Algorithm
from trust.kernel.identifiers import Uscc
from trust.keys import (
    KeyCustodian,
    KeyInfo,
    KeyPurpose,
    KeyState,
    Signer,
    SigningRequest,
    UseContext,
)

VENDOR = "yinxin"
_UNIT_SEAL = 1  # SES_ESPropertyInfo.type: 1 = unit, 2 = personal in the first edition, and still in use
_MAKER_LABEL = "seal-maker"
_SEAL_LABEL = "seal:{}"


class MakingPoint:
    """Makes seals. `names` draws the seal's name, `digits` its code."""

    def __init__(
        self,
        *,
        store: SealStore,
        signer: Signer,
        custodian: KeyCustodian,
        issuer: X509Issuer,
        names: FontChain,
        digits: FontChain,
    ) -> None:
        self._store = store
        self._signer = signer
        self._custodian = custodian
        self._issuer = issuer
        self._names = names
        self._digits = digits

    def establish(self, *, organization: str, uscc: Uscc | None, principal: str) -> Maker:
        """Make the maker's key and certificate, or return the maker that is there."""
        known = self._store.maker()
        if known is not None:
            return known
        key = self._key(KeyPurpose.SEAL_MAKING, _MAKER_LABEL)
        subject = X509Subject(common_name=f"{organization}电子印章制作", organization=organization, uscc=uscc)
        x509 = self._issuer.issue(
            Profile.SEAL_MAKER, subject, key.public_key, request_id=_MAKER_LABEL, principal=principal
        )
        return self._store.keep_maker(Maker(key=key.ref, x509=x509.der, chain=self._chain()))

    def check(self, text: SealText) -> None:
        """Refuse a text that cannot be drawn, before anything is made. Raises `UnrenderableCharacter`."""
        draw(text, names=self._names, digits=self._digits)

    def make(self, record: SealRecord, *, now: datetime) -> MadeSeal:
        """Return the made seal of an approved application; it is valid as long as its signer's certificate.

        Raises `NoMakingPoint` when no maker is established, `UnrenderableCharacter`, and what device and CA raise.
        """
        maker = self._store.maker()
        if maker is None:
            raise NoMakingPoint("No seal maker is established.")
        application = record.application
        principal = _as_operator(record.approved_by or application.requested_by)
        vector = as_operators(draw(application.text, names=self._names, digits=self._digits))
        label = _SEAL_LABEL.format(record.seal_id)
        key = self._key(KeyPurpose.SEALING, label)
        self._store.keep_signer_key(record.seal_id, key.ref)
        signer_x509 = self._issuer.issue(
            Profile.SEAL_SIGNER,
            X509Subject(common_name=application.text.name, organization=application.text.name, uscc=application.uscc),
            key.public_key,
            request_id=label,
            principal=principal,
        )
        info_der = build_seal_info(_info(record, signer_x509, as_png(vector), now, parse_x509(maker.x509)))
        context = UseContext(principal=principal, why="make seal", document=label)
        signature = self._signer.sign(
            maker.key, SigningRequest(message=info_der, context=context), purpose=KeyPurpose.SEAL_MAKING
        )
        return MadeSeal(
            signer_key=key.ref,
            chain=self._chain(),
            der=assemble_seal(info_der, maker.x509, signature.value),
            vector=vector,
        )

    def _key(self, purpose: KeyPurpose, label: str) -> KeyInfo:
        """Take up the key that an interrupted run made, or make one."""
        wanted = (purpose, label, KeyState.ACTIVE)
        known = self._custodian.keys()
        for key in known:
            if (key.purpose, key.label, key.state) == wanted:
                return key
        return self._custodian.generate(algorithm=Algorithm.SM2_SM3, purpose=purpose, label=label)

    def _chain(self) -> tuple[bytes, ...]:
        return (self._issuer.ca_x509(CaRole.ISSUING).der,)


def _info(record: SealRecord, signer_x509: X509, png: bytes, now: datetime, maker: X509) -> SealInfo:
    moment = now.replace(microsecond=0)
    return SealInfo(
        vendor=VENDOR,
        seal_id=record.seal_id,
        kind=_UNIT_SEAL,
        name=record.application.text.name,
        signer_x509s=(signer_x509.der,),
        created=moment,
        valid_from=moment,
        valid_until=min(signer_x509.not_after, maker.not_after),
        picture=SealPicture(kind="PNG", data=png, width_mm=SIZE_MM, height_mm=SIZE_MM),
    )


def _as_operator(name: str) -> str:
    """Return a person as the ledger writes one: a name that they chose must not read as a client or the system."""
    return name if name.startswith("operator:") else f"operator:{name}"
