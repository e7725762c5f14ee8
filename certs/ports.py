"""What the library needs of others. `portal.wiring` plugs the real parts in; the tests plug fakes in.

Who makes a file (`Workshop`), who keeps what (`Archive`). `Principal` is the shape of `trust.http.access.Principal`,
so that nothing here depends on the web edge.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, Protocol

from certs.access_log import Access, Visit, Within
from certs.authorities import Authority
from certs.catalogue import CertificateType
from certs.domain import Action, Certificate, Intent, IntentState, Record, Transition
from certs.face import Face
from certs.render import RenderInput
from seals.domain import Placement
from trust.files import BlobStore
from trust.keys import UseContext
from verifier.report import Report


class Principal(Protocol):
    """The authenticated caller: one client of one authority."""

    @property
    def client(self) -> str:
        """The client id."""
        ...

    @property
    def authority(self) -> str:
        """The credit code of the authority that the client belongs to."""
        ...

    @property
    def name(self) -> str:
        """The caller as the ledger writes it."""
        ...


class Types(Protocol):
    """The catalogue of certificate types."""

    def get(self, type_code: str) -> CertificateType:
        """Return one type. Raises `TypeUnknown`."""
        ...


class Renderer(Protocol):
    """Makes the page of a certificate."""

    def check_renderable(self, face: Face, *, authority: str) -> None:
        """Raise `UnrenderableCharacter`, naming field and character, when the fonts cannot show a value."""
        ...

    def render(self, values: RenderInput) -> bytes:
        """Return the page as PDF/A-3b with metadata attached; the same values give the same bytes."""
        ...


class Sealer(Protocol):
    """Applies the authority's seal; the key use is in the ledger before this returns (law 2)."""

    def stamp(self, seal_id: str, pdf: bytes, *, placement: Placement, context: UseContext) -> bytes:
        """Return the sealed PDF."""
        ...


class FileVerifier(Protocol):
    """Judges a file without asking the library, which does not know the new certificate yet."""

    def verify_file(self, data: bytes) -> Report:
        """Return the report on `data`."""
        ...


class Authorities(Protocol):
    """The onboarded authorities."""

    def add(self, authority: Authority) -> None:
        """Keep a new authority. Raises `AuthorityOnboarded`."""
        ...

    def find(self, uscc: str) -> Authority | None:
        """Return the authority of this credit code, or None."""
        ...

    def all(self) -> Sequence[Authority]:
        """Return every authority."""
        ...


class Intents(Protocol):
    """The requests to issue that were accepted (law 5)."""

    def find(self, *, authority: str, key_index: bytes) -> Intent | None:
        """Return the intent under an idempotency key, or None."""
        ...

    def state(self, identifier: str) -> IntentState | None:
        """Return what became of the intent of an identifier, or None when it was never reserved."""
        ...

    def reserve(self, intent: Intent) -> bool:
        """Commit the intent; False when its identifier or its idempotency key is in use."""
        ...

    def claim(self, identifier: str, *, attempt: str, now: datetime, until: datetime) -> Intent | None:
        """Take over an open intent whose lease has run out, or return None."""
        ...

    def release(self, intent: Intent, *, now: datetime) -> None:
        """End the lease of this run."""
        ...

    def abandon(self, intent: Intent, *, reason: str) -> None:
        """Give the intent up for good."""
        ...

    def overdue(self, *, now: datetime, limit: int) -> Sequence[str]:
        """Return identifiers of open intents whose lease has run out."""
        ...


class StatusRow(NamedTuple):
    """The few columns that a status check reads."""

    type_code: str
    state: str
    since: datetime
    valid_from: date
    valid_to: date | None
    file_sm3: bytes
    superseded_by: str | None
    authority_name: str


class Library(Protocol):
    """The certificates, their states, and the looks at them."""

    def find(self, identifier: str) -> Certificate | None:
        """Return the certificate without its personal part, or None."""
        ...

    def status(self, identifier: str) -> StatusRow | None:
        """Return what a verifier may know, or None."""
        ...

    def complete(self, intent: Intent, certificate: Certificate, *, sealed: bytes, record: Record) -> None:
        """Commit a finished certificate and what follows. Raises `IssueInProgress`, `TransitionNotAllowed`."""
        ...

    def change(self, identifier: str, action: Action, record: Record) -> Certificate:
        """Carry out one change of state. Raises `CertificateUnknown`, `TransitionNotAllowed`."""
        ...

    def open(self, identifier: str, visit: Visit, within: Within | None = None) -> tuple[Certificate, bytes]:
        """Return certificate and sealed contents, leaving one row. Raises `CertificateUnknown`, also outside it."""
        ...

    def search(
        self, holder_index: bytes, visit: Visit, *, limit: int, types: frozenset[str] | None = None
    ) -> Sequence[Certificate]:
        """Return certificates of a holder and of `types`, leaving one row each, or one for no hit."""
        ...

    def transitions(self, identifier: str) -> Sequence[Transition]:
        """Return the life of a certificate, oldest step first."""
        ...

    def accesses(
        self, holder_index: bytes, *, before: datetime | None = None, limit: int, leaving_out: str | None = None
    ) -> Sequence[Access]:
        """Return who looked at a holder's certificates before a moment, newest first, but for one client's looks."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Everything that takes part in making a file."""

    types: Types
    renderer: Renderer
    sealer: Sealer
    verifier: FileVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Everything that keeps something."""

    authorities: Authorities
    intents: Intents
    library: Library
    files: BlobStore
