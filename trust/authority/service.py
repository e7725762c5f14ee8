"""The PKI of an installation: an SM2 root, an issuing CA, the certificates under them and their revocation lists.

Issuing runs in the numbered steps of docs/design.md section 5, as far as they apply: 1 parse · 2 profile and issuer ·
3 reserve the serial number, commit · 5 sign through the guard · 6 verify the result · 7 keep it · 8 answer.
A record holds the very bytes that are signed; whatever interrupts the steps, repeating the request finishes them.
"""

from dataclasses import replace
from datetime import timedelta

from trust.authority.domain import (
    AuthorityMaterial,
    AuthorityNames,
    CaKey,
    IssueRequest,
    RevocationRecord,
    X509Record,
    X509Subject,
)
from trust.authority.errors import (
    AuthorityAlreadyEstablished,
    AuthorityNotEstablished,
    CrlDaysUnusable,
    CrlMissing,
    CrlOverdue,
    IssuingCaUnusable,
    ProfileNotIssuable,
    RequestIdReused,
    RootCeremonyPending,
    SamePerson,
    X509AlreadyRevoked,
    X509NotRevocable,
)
from trust.authority.ports import AuthorityStore
from trust.authority.profiles import PROFILE_OF_CA, RULES, CaRole, Profile
from trust.formats.crl import Crl, RevocationReason, parse_crl
from trust.formats.x509 import X509, parse_x509
from trust.formats.x509_build import (
    SERIAL_BYTES,
    X509Draft,
    assemble_signed,
    build_name,
    build_tbs_crl,
    build_tbs_x509,
    key_identifier,
    new_serial,
)
from trust.gm.sm2 import PublicKey
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_person, is_same_person
from trust.keys import KeyCustodian, KeyPurpose, KeyState, Signer, SigningRequest, UseContext
from trust.signatures import verify

MAX_CRL_DAYS = 30  # a list that lives longer lets a revoked seal pass for longer than a month
_CA_REQUEST = "ca:{}"
_KEY_LABEL = "{}-ca"
# Reasons that end a certificate for good (RFC 5280 section 5.3.1). Holds are made on seals, not on their certificates.
LASTING_REASONS = frozenset(RevocationReason) - {
    RevocationReason.CERTIFICATE_HOLD,
    RevocationReason.REMOVE_FROM_CRL,
    RevocationReason.AA_COMPROMISE,
}


class AuthorityService:
    """Issues, revokes and publishes. `public_url` is where relying parties reach `trust.authority.routes`."""

    def __init__(
        self, *, store: AuthorityStore, signer: Signer, clock: Clock, randomness: Randomness, public_url: str
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._randomness = randomness
        self._public_url = public_url.rstrip("/")

    def establish(self, custodian: KeyCustodian, names: AuthorityNames, *, principal: str) -> tuple[X509, X509]:
        """Make the root and the issuing CA, or return them; finishes what was interrupted.

        With an offline root (`trust.authority.offline`) there is nothing to make. Raises `AuthorityAlreadyEstablished`
        when they exist under other names, `RootCeremonyPending` while the offline root has not come in.
        """
        if self._root_is_offline():
            return self._adopted(names)
        root, issuing = (
            self._establish_ca(custodian, role, names.subject_of(role), principal)
            for role in (CaRole.ROOT, CaRole.ISSUING)
        )
        self.recover()
        return root, issuing

    def issue(self, profile: Profile, subject: X509Subject, spki: bytes, *, request_id: str, principal: str) -> X509:
        """Certify an SM2 key for a unit; the same `request_id` always returns the same certificate.

        Raises `ProfileNotIssuable`, `KeyUnusable` (not an SM2 key on its curve), `RequestIdReused`,
        `AuthorityNotEstablished`, `IssuingCaUnusable`, and what the signer raises.
        """
        if RULES[profile].path_length is not None:
            raise ProfileNotIssuable(field="profile")
        request = IssueRequest(request_id=request_id, profile=profile, subject=subject, spki=spki, principal=principal)
        return self._issue(request)

    def recover(self) -> int:
        """Sign what was reserved and never finished; returns how many certificates that were."""
        unfinished = self._store.unfinished()
        for record in unfinished:
            self._finish(record)
        return len(unfinished)

    def revoke(self, serial: int, reason: RevocationReason, *, requested_by: str, approved_by: str) -> RevocationRecord:
        """Revoke a certificate; it stands on the next published list. Repeating it returns the first revocation.

        Raises `SamePerson` (law 9), `X509Unknown`, `X509NotRevocable`, `X509AlreadyRevoked`, and as `check_person`.
        """
        requested_by = check_person(requested_by, field="requested_by")
        approved_by = check_person(approved_by, field="approved_by")
        if is_same_person(requested_by, approved_by):
            raise SamePerson(field="approved_by")
        if reason not in LASTING_REASONS:
            raise X509NotRevocable(f"The reason {reason} does not end a certificate for good.", field="reason")
        record = self._store.get(serial)
        if record.profile is Profile.ROOT or record.der is None:
            raise X509NotRevocable(field="serial")
        wanted = RevocationRecord(
            at=self._clock.now(), reason=reason, requested_by=requested_by, approved_by=approved_by
        )
        kept = self._store.revoke(serial, wanted).revocation or wanted
        if kept.reason is not reason:
            raise X509AlreadyRevoked(f"The certificate was revoked as {kept.reason}.", field="reason")
        return kept

    def publish_crls(self, *, days: int, principal: str) -> tuple[Crl, ...]:
        """Sign and keep a new list of each CA, for `days`: the root's unless it is offline, then the issuing CA's.

        Raises `CrlDaysUnusable`, `AuthorityNotEstablished`, and what the signer raises.
        """
        if not 1 <= days <= MAX_CRL_DAYS:
            raise CrlDaysUnusable(f"A list is valid for 1 to {MAX_CRL_DAYS} days.", field="days")
        roles = (CaRole.ISSUING,) if self._root_is_offline() else tuple(CaRole)
        return tuple(self._publish_crl(role, days, principal) for role in roles)

    def ca_x509(self, role: CaRole) -> X509:
        """Return the certificate of a CA. Raises `AuthorityNotEstablished`."""
        record = self._store.find_by_request(_CA_REQUEST.format(role.value))
        if record is None or record.der is None:
            raise AuthorityNotEstablished(role=role.value)
        return parse_x509(record.der)

    def crl(self, role: CaRole) -> Crl:
        """Return the newest published list of a CA. Raises `CrlMissing`."""
        published = self._store.latest_crl(role)
        if published is None:
            raise CrlMissing(role=role.value)
        return parse_crl(published)

    def material(self) -> AuthorityMaterial:
        """Return what relying parties need, DER. Raises `AuthorityNotEstablished`."""
        crls = (self._store.latest_crl(role) for role in CaRole)
        return AuthorityMaterial(
            roots=(self.ca_x509(CaRole.ROOT).der,),
            intermediates=(self.ca_x509(CaRole.ISSUING).der,),
            crls=tuple(crl for crl in crls if crl is not None),
        )

    def check(self) -> None:
        """Raise `AuthorityNotEstablished`, `CrlMissing` or `CrlOverdue`; used by the readiness probe."""
        for role in CaRole:
            self.ca_x509(role)
            if self.crl(role).next_update <= self._clock.now():
                raise CrlOverdue(role=role.value)

    def _root_is_offline(self) -> bool:
        """An issuing key without a root key: where the root is ours, it is made first."""
        has_root, has_issuing = (self._store.find_ca_key(role) is not None for role in (CaRole.ROOT, CaRole.ISSUING))
        return has_issuing and not has_root

    def _adopted(self, names: AuthorityNames) -> tuple[X509, X509]:
        try:
            root, issuing = self.ca_x509(CaRole.ROOT), self.ca_x509(CaRole.ISSUING)
        except AuthorityNotEstablished:
            raise RootCeremonyPending from None
        if root.organization != names.organization:
            raise AuthorityAlreadyEstablished(role=CaRole.ROOT.value)
        return root, issuing

    def _establish_ca(self, custodian: KeyCustodian, role: CaRole, subject: X509Subject, principal: str) -> X509:
        ca = self._store.find_ca_key(role) or self._store.add_ca_key(choose_ca_key(custodian, role))
        request = IssueRequest(
            request_id=_CA_REQUEST.format(role.value),
            profile=PROFILE_OF_CA[role],
            subject=subject,
            spki=ca.spki,
            principal=principal,
        )
        try:
            return self._issue(request)
        except RequestIdReused:
            raise AuthorityAlreadyEstablished(role=role.value) from None

    def _issue(self, request: IssueRequest) -> X509:
        record = self._store.find_by_request(request.request_id)
        if record is None:
            record = self._store.reserve(self._plan(request))
        if record.request_digest != request.digest:
            raise RequestIdReused(field="request_id")
        return self._finish(record)

    def _plan(self, request: IssueRequest) -> X509Record:
        """Step 2: everything is decided and built here, so that signing has nothing left to refuse."""
        rules = RULES[request.profile]
        PublicKey.from_spki(request.spki)
        subject = build_name(
            common_name=request.subject.common_name,
            organization=request.subject.organization,
            organizational_unit=request.subject.organizational_unit,
        )
        now = self._clock.now().replace(microsecond=0)
        draft = X509Draft(
            serial=new_serial(self._randomness.token(SERIAL_BYTES)),
            issuer=subject,
            subject=subject,
            spki=request.spki,
            not_before=now,
            not_after=now + rules.validity,
            key_usage=rules.key_usage,
            path_length=rules.path_length,
            extended_key_usage=rules.extended_key_usage,
            uscc=str(request.subject.uscc) if request.subject.uscc else None,
        )
        if request.profile is not Profile.ROOT:
            draft = self._under_issuer(draft, rules.issuer)
        return X509Record(
            serial=draft.serial,
            issuer=rules.issuer,
            profile=request.profile,
            request_id=request.request_id,
            request_digest=request.digest,
            subject=subject.text,
            tbs=build_tbs_x509(draft),
            der=None,
            principal=request.principal,
            created_at=now,
            not_after=draft.not_after,
        )

    def _under_issuer(self, draft: X509Draft, role: CaRole) -> X509Draft:
        issuer = self.ca_x509(role)
        if self._store.get(issuer.serial).revocation is not None:
            raise IssuingCaUnusable("The issuing CA is revoked.")
        if draft.not_after > issuer.not_after:
            raise IssuingCaUnusable("The issuing CA ends before the certificate would.")
        return replace(
            draft,
            issuer=issuer.subject,
            authority_key_id=issuer.subject_key_id,
            crl_url=f"{self._public_url}/pki/{role.value}.crl",
        )

    def _finish(self, record: X509Record) -> X509:
        """Steps 5 to 8. Two workers may both sign the same bytes; the first certificate kept is the one."""
        if record.der is not None:
            return parse_x509(record.der)
        why = f"issue X.509 {record.profile.value}"
        der = self._signed(record.issuer, record.tbs, record.principal, why, f"x509:{record.serial:x}")
        return parse_x509(self._store.complete(record.serial, der))

    def _publish_crl(self, role: CaRole, days: int, principal: str) -> Crl:
        issuer = self.ca_x509(role)
        now = self._clock.now().replace(microsecond=0)
        number, revoked = self._store.reserve_crl(role, now)
        tbs = build_tbs_crl(
            issuer=issuer.subject,
            authority_key_id=issuer.subject_key_id or key_identifier(issuer.spki),
            number=number,
            this_update=now,
            next_update=now + timedelta(days=days),
            revoked=revoked,
        )
        der = self._signed(role, tbs, principal, "publish CRL", f"crl:{role.value}:{number}")
        self._store.complete_crl(role, number, der)
        return parse_crl(der)

    def _signed(self, role: CaRole, tbs: bytes, principal: str, why: str, document: str) -> bytes:
        """Sign through the guard (laws 1 and 2) and check the value with the CA's public key."""
        ca = self._store.find_ca_key(role)
        if ca is None:
            raise AuthorityNotEstablished(role=role.value)
        context = UseContext(principal=principal, why=why, document=document)
        signature = self._signer.sign(
            ca.key, SigningRequest(message=tbs, context=context), purpose=KeyPurpose.X509_ISSUING
        )
        verify(Algorithm.SM2_SM3, ca.spki, tbs, signature.value)
        return assemble_signed(tbs, signature.value)


def choose_ca_key(custodian: KeyCustodian, role: CaRole) -> CaKey:
    """Return a CA's key, not yet kept as such: take up the key that an interrupted run made, or make one."""
    label = _KEY_LABEL.format(role.value)
    wanted = (KeyPurpose.X509_ISSUING, label, KeyState.ACTIVE)
    known = custodian.keys()
    info = next((key for key in known if (key.purpose, key.label, key.state) == wanted), None)
    if info is None:
        info = custodian.generate(algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.X509_ISSUING, label=label)
    return CaKey(role=role, key=info.ref, spki=info.public_key)
