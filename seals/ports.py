"""What seals need from others: certificates for makers and signers, and a place to keep records."""

from collections.abc import Sequence
from typing import Protocol

from seals.domain import MadeSeal, Maker, SealApplication, SealRecord, SealState, StateChange
from trust.authority.domain import X509Subject
from trust.authority.profiles import CaRole, Profile
from trust.formats.x509 import X509
from trust.keys import KeyRef


class X509Issuer(Protocol):
    """The CA; `trust.authority.service.AuthorityService` is one."""

    def issue(self, profile: Profile, subject: X509Subject, spki: bytes, *, request_id: str, principal: str) -> X509:
        """Certify a key; the same `request_id` always returns the same certificate."""
        ...

    def ca_x509(self, role: CaRole) -> X509:
        """Return the certificate of a CA."""
        ...


class SealStore(Protocol):
    """Seals and the maker. Each method is one unit of work and is durable when it returns."""

    def add(self, application: SealApplication) -> None:
        """Keep an application. Raises `SealCodeTaken`."""
        ...

    def get(self, seal_id: str) -> SealRecord:
        """Return the whole record. Raises `SealUnknown`."""
        ...

    def state(self, seal_id: str) -> SealState:
        """Return the present state alone: it is asked for at every stamp. Raises `SealUnknown`."""
        ...

    def seals(self) -> Sequence[SealRecord]:
        """Return all seals, oldest first."""
        ...

    def change_state(self, seal_id: str, change: StateChange, *, allowed: frozenset[SealState]) -> SealRecord:
        """Move to another state if the present one is allowed; the change is kept. Raises `SealStateConflict`."""
        ...

    def keep_signer_key(self, seal_id: str, key: KeyRef) -> KeyRef:
        """Keep which key the seal's unit signs with; the first one kept stays and is returned."""
        ...

    def complete(self, seal_id: str, made: MadeSeal, change: StateChange) -> SealRecord:
        """Keep the made seal and move it from approved to active; a seal already made stays as it is."""
        ...

    def changes(self, seal_id: str) -> Sequence[StateChange]:
        """Return every change of state, oldest first."""
        ...

    def maker(self) -> Maker | None:
        """Return the maker of this installation, if established."""
        ...

    def keep_maker(self, maker: Maker) -> Maker:
        """Keep the maker; the first one kept stays and is returned."""
        ...
