"""The life of seals and their use: apply, approve, make, stamp, suspend, cancel.

**Making**: 1 parse the application · 2 keep it · 3 another person approves; the intent is committed · 4 key,
certificate, picture, maker's signature (`seals.making`) · 5 keep the made seal · 6 verify it as at every load.
**Stamping**: 1 state and validity of the seal · 2 prepare every document · 3 ask the signer once for all, through the
guard: ledger entry, then signatures · 4 fill them in. Nothing leaves before all are filled.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence

from seals.artwork import SealText
from seals.domain import Placement, SealApplication, SealRecord, SealState, StampJob, StateChange
from seals.errors import (
    BatchTooLarge,
    NoMakingPoint,
    SealCancelled,
    SealNotMade,
    SealStateConflict,
    SealSuspended,
)
from seals.loading import LoadedSeal, load
from seals.making import MakingPoint
from seals.ports import SealStore
from seals.pyhanko_signer import PortSigner, countersign
from seals.stamp import prepare
from trust.authority.errors import SamePerson
from trust.kernel.clock import Clock
from trust.kernel.identifiers import Uscc
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import is_same_person
from trust.keys import KeyPurpose, Signer, SigningRequest, UseContext

MAX_BATCH = 500  # documents stamped in one call; they are all in memory at once, some 50 MB
_CACHED = 256  # verified seals kept: the units of a county, at 60 KiB each
_REFUSALS: dict[SealState, type[SealStateConflict]] = {
    SealState.APPLIED: SealNotMade,
    SealState.APPROVED: SealNotMade,
    SealState.SUSPENDED: SealSuspended,
    SealState.CANCELLED: SealCancelled,
}


class SealService:
    """Seals of one installation; safe to share between threads.

    `making` is None in the served application: only operator commands can make seals.
    """

    def __init__(
        self,
        *,
        store: SealStore,
        signer: Signer,
        clock: Clock,
        randomness: Randomness,
        making: MakingPoint | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clock = clock
        self._randomness = randomness
        self._making = making
        self._loaded: OrderedDict[str, LoadedSeal] = OrderedDict()
        self._lock = threading.Lock()

    def apply_for(self, *, name: str, uscc: str, code: str, requested_by: str, line: str = "") -> SealRecord:
        """Keep an application for a seal.

        Raises `SealTextUnusable`, `UnrenderableCharacter`, `UsccInvalid`, `SealCodeTaken`, and as `check_person`.
        """
        text = SealText(name=name, code=code, line=line)
        if self._making is not None:
            self._making.check(text)
        application = SealApplication(
            seal_id=new_id(self._clock, self._randomness),
            text=text,
            uscc=Uscc.parse(uscc, field="uscc"),
            requested_by=requested_by,
            requested_at=self._clock.now(),
        )
        self._store.add(application)
        return self._store.get(application.seal_id)

    def approve(self, seal_id: str, *, approved_by: str) -> SealRecord:
        """Approve an application and make the seal. Repeating it finishes what was interrupted.

        Raises `SamePerson` (law 9), `SealStateConflict`, `NoMakingPoint`, `SealUnknown`, and what device and CA raise.
        """
        if self._making is None:
            raise NoMakingPoint
        record = self._store.get(seal_id)
        if is_same_person(approved_by, record.application.requested_by):
            raise SamePerson(field="approved_by")
        if record.state is not SealState.APPROVED:
            approval = self._change(SealState.APPROVED, approved_by, "approved")
            record = self._store.change_state(seal_id, approval, allowed=frozenset({SealState.APPLIED}))
        made = self._making.make(record, now=self._clock.now())
        self._store.complete(seal_id, made, self._change(SealState.ACTIVE, approved_by, "made"))
        return self.get(seal_id)

    def get(self, seal_id: str) -> SealRecord:
        """Return a seal as it is now; a made one was verified. Raises `SealUnknown`, `SealBroken`."""
        record = self._store.get(seal_id)
        if record.made is not None:
            self._load(seal_id)
        return record

    def seals(self) -> Sequence[SealRecord]:
        """Return all seals, oldest first."""
        return self._store.seals()

    def changes(self, seal_id: str) -> Sequence[StateChange]:
        """Return every change of a seal's state, oldest first."""
        return self._store.changes(seal_id)

    def suspend(self, seal_id: str, *, by: str, reason: str) -> SealRecord:
        """Stop the use of a seal until it is resumed. Raises `SealStateConflict`, `SealUnknown`."""
        change = self._change(SealState.SUSPENDED, by, reason)
        return self._store.change_state(seal_id, change, allowed=frozenset({SealState.ACTIVE}))

    def resume(self, seal_id: str, *, by: str, reason: str) -> SealRecord:
        """Permit the use of a suspended seal again. Raises `SealStateConflict`, `SealUnknown`."""
        change = self._change(SealState.ACTIVE, by, reason)
        return self._store.change_state(seal_id, change, allowed=frozenset({SealState.SUSPENDED}))

    def cancel(self, seal_id: str, *, by: str, reason: str) -> SealRecord:
        """End a seal for good, at whatever stage. Raises `SealStateConflict`, `SealUnknown`."""
        change = self._change(SealState.CANCELLED, by, reason)
        return self._store.change_state(seal_id, change, allowed=frozenset(SealState) - {SealState.CANCELLED})

    def stamp(
        self, seal_id: str, pdf: bytes, *, placement: Placement, context: UseContext, reason: str | None = None
    ) -> bytes:
        """Stamp one fresh PDF; see `stamp_many`."""
        job = StampJob(pdf=pdf, placement=placement, context=context, reason=reason)
        return self.stamp_many(seal_id, (job,))[0]

    def stamp_many(self, seal_id: str, jobs: Sequence[StampJob]) -> tuple[bytes, ...]:
        """Stamp all documents with one ledger append, or none.

        Raises what `seals.stamp.prepare` and the signer raise, `SealNotMade`, `SealSuspended`, `SealCancelled`,
        `SealNotInForce`, `SealSignerNotListed`, `SealBroken`, `SealUnknown`.
        """
        if len(jobs) > MAX_BATCH:
            raise BatchTooLarge(f"At most {MAX_BATCH} documents are stamped at once.", field="jobs")
        loaded = self._usable(seal_id)
        moment = self._clock.now()
        prepared = [
            prepare(
                job.pdf,
                loaded.ink,
                placement=job.placement,
                signed_at=moment,
                reason=job.reason,
                further_seals=job.further_seals,
            )
            for job in jobs
        ]
        requests = [
            SigningRequest(message=document.signed_attributes, context=job.context)
            for document, job in zip(prepared, jobs, strict=True)
        ]
        signatures = self._signer.sign_many(loaded.key, requests, purpose=KeyPurpose.SEALING)
        return tuple(document.fill(signature.value) for document, signature in zip(prepared, signatures, strict=True))

    def countersign(self, seal_id: str, job: StampJob) -> bytes:
        """Add a seal to a file that is signed already and permits further seals. Raises as `stamp_many` does."""
        loaded = self._usable(seal_id)

        def sign(message: bytes) -> bytes:
            request = SigningRequest(message=message, context=job.context)
            return self._signer.sign(loaded.key, request, purpose=KeyPurpose.SEALING).value

        return countersign(
            job.pdf,
            loaded.ink,
            PortSigner(sign, loaded.signer_x509, loaded.ink.cms),
            placement=job.placement,
            signed_at=self._clock.now(),
            reason=job.reason,
        )

    def ses_seal(self, seal_id: str) -> bytes:
        """Return the DER SESeal of a made seal, verified. Raises `SealNotMade`, `SealBroken`, `SealUnknown`."""
        return self._load(seal_id).seal.der

    def _usable(self, seal_id: str) -> LoadedSeal:
        """Step 1 of stamping. The state is read each time: another process may have suspended the seal."""
        state = self._store.state(seal_id)
        if state in _REFUSALS:
            raise _REFUSALS[state](seal=seal_id)
        loaded = self._load(seal_id)
        loaded.check_in_force(self._clock.now())
        return loaded

    def _load(self, seal_id: str) -> LoadedSeal:
        with self._lock:
            known = self._loaded.get(seal_id)
            if known is not None:
                self._loaded.move_to_end(seal_id)
                return known
        record = self._store.get(seal_id)
        if record.made is None:
            raise SealNotMade(seal=seal_id)
        key = self._signer.describe(record.made.signer_key)
        loaded = load(record, maker=self._store.maker(), signer_spki=key.public_key)
        with self._lock:
            self._loaded[seal_id] = loaded
            if len(self._loaded) > _CACHED:
                self._loaded.popitem(last=False)
        return loaded

    def _change(self, state: SealState, actor: str, reason: str) -> StateChange:
        return StateChange(state=state, actor=actor, at=self._clock.now(), reason=reason)
