"""A root that is not here: its key lies on an offline medium, and what it signed in a ceremony is brought in as files.

The issuing key is made here first and carried out as a request; root, issuing CA and the root's revocation list come
back and are kept as if they had been made here. From then on this installation signs the issuing CA's lists alone.
"""

from trust.authority.domain import CaKey, IssueRequest, X509Record, X509Subject
from trust.authority.errors import AuthorityAlreadyEstablished, AuthorityNotEstablished, RootNotAdoptable
from trust.authority.ports import AuthorityStore
from trust.authority.profiles import PROFILE_OF_CA, CaRole
from trust.authority.service import choose_ca_key
from trust.formats.crl import Crl, parse_crl
from trust.formats.x509 import X509, KeyUsage, parse_x509
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.kernel.errors import InvalidInput
from trust.keys import KeyCustodian
from trust.signatures import verify

_CA_REQUEST = "ca:{}"


class OfflineRoot:
    """Brings in what a root signed elsewhere."""

    def __init__(self, store: AuthorityStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def issuing_key(self, custodian: KeyCustodian) -> CaKey:
        """Return the key that the offline root is to certify, made now if need be.

        Raises `AuthorityAlreadyEstablished` when this installation has a root key of its own.
        """
        if self._store.find_ca_key(CaRole.ROOT) is not None:
            raise AuthorityAlreadyEstablished("This installation made its own root.", role=CaRole.ROOT.value)
        known = self._store.find_ca_key(CaRole.ISSUING)
        return known or self._store.add_ca_key(choose_ca_key(custodian, CaRole.ISSUING))

    def check(self, root: bytes, issuing: bytes, crl: bytes) -> tuple[X509, X509, Crl]:
        """Return the parsed files if they belong together and to our issuing key; nothing is kept.

        Raises `AuthorityNotEstablished` (no issuing key was made here), `RootNotAdoptable`,
        `AuthorityAlreadyEstablished`, `X509Malformed`, `CrlMalformed`.
        """
        ca = self._store.find_ca_key(CaRole.ISSUING)
        if ca is None:
            raise AuthorityNotEstablished(role=CaRole.ISSUING.value)
        if self._store.find_ca_key(CaRole.ROOT) is not None:
            raise AuthorityAlreadyEstablished("This installation made its own root.", role=CaRole.ROOT.value)
        parsed_root, parsed_issuing, parsed_crl = parse_x509(root), parse_x509(issuing), parse_crl(crl)
        self._check_signed_by(parsed_root, parsed_root, "root")
        self._check_signed_by(parsed_issuing, parsed_root, "issuing")
        self._check_signed_by(parsed_crl, parsed_root, "crl")
        if parsed_issuing.spki != ca.spki:
            raise RootNotAdoptable("The issuing CA's certificate is for another key than ours.", field="issuing")
        if parsed_crl.next_update <= self._clock.now():
            raise RootNotAdoptable("The root's revocation list has expired.", field="crl")
        return parsed_root, parsed_issuing, parsed_crl

    def adopt(self, root: bytes, issuing: bytes, crl: bytes, *, principal: str) -> tuple[X509, X509, Crl]:
        """Keep root, issuing CA and list; repeating it with the same CAs keeps a newer list only.

        Raises as `check`, and `AuthorityAlreadyEstablished` when other CAs were kept before.
        """
        checked = self.check(root, issuing, crl)
        for role, x509 in zip((CaRole.ROOT, CaRole.ISSUING), checked[:2], strict=True):
            if self._store.reserve(self._record(role, x509, principal)).der != x509.der:
                raise AuthorityAlreadyEstablished(role=role.value)
        self._store.keep_crl(CaRole.ROOT, checked[2].number, checked[2].this_update, checked[2].der)
        return checked

    def _check_signed_by(self, signed: X509 | Crl, root: X509, field: str) -> None:
        if not root.is_ca or not root.key_usage or KeyUsage.KEY_CERT_SIGN not in root.key_usage:
            raise RootNotAdoptable("The root is no CA.", field="root")
        if signed.issuer != root.subject:
            raise RootNotAdoptable("It names another issuer than the root.", field=field)
        if isinstance(signed, X509) and not signed.not_before <= self._clock.now() < signed.not_after:
            raise RootNotAdoptable("It is not valid now.", field=field)
        try:
            verify(Algorithm.SM2_SM3, root.spki, signed.tbs, signed.signature)
        except InvalidInput:
            raise RootNotAdoptable("The root did not sign it.", field=field) from None

    def _record(self, role: CaRole, x509: X509, principal: str) -> X509Record:
        request = IssueRequest(
            request_id=_CA_REQUEST.format(role.value),
            profile=PROFILE_OF_CA[role],
            subject=X509Subject(common_name=x509.common_name or "", organization=x509.organization or ""),
            spki=x509.spki,
            principal=principal,
        )
        return X509Record(
            serial=x509.serial,
            issuer=CaRole.ROOT,
            profile=request.profile,
            request_id=request.request_id,
            request_digest=request.digest,
            subject=x509.subject.text,
            tbs=x509.tbs,
            der=x509.der,
            principal=principal,
            created_at=self._clock.now().replace(microsecond=0),
            not_after=x509.not_after,
        )
