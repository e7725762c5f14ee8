"""Step 3 of issuing: an identifier of GB/T 36904 is reserved and the intent committed, before any effect (law 5)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from certs.domain import Intent, IntentState, IssueCommand
from certs.draft import Draft
from certs.library_errors import IssueFailed, SuccessorInPreparation
from certs.ports import Intents
from certs.vault import Vault
from trust.kernel.clock import Clock, calendar_day
from trust.kernel.identifiers import CertificateIdentifier
from trust.kernel.ids import encode_crockford, new_id
from trust.kernel.randomness import Randomness

LEASE: Final = timedelta(seconds=30)  # a thousand times a normal run: it does not end under a living one
_SERIAL_CHARACTERS = 12  # 60 random bits a day: a collision is never met, and the primary key would catch it
_SERIAL_BYTES = 8
_TRIES = 3  # reservations with fresh randomness; more failures are no accident


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, as it is kept with the intent: the caller's name, and keyed digests of idempotency key and command."""

    client: str
    authority: str
    key_index: bytes
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """A draft whose intent is committed and whose lease this run holds: the only thing that may be rendered."""

    draft: Draft
    intent: Intent
    identifier: CertificateIdentifier


class Reservations:
    """Reserves identifiers and keeps two runs from working on one intent."""

    def __init__(self, *, intents: Intents, vault: Vault, clock: Clock, randomness: Randomness) -> None:
        self._intents = intents
        self._vault = vault
        self._clock = clock
        self._randomness = randomness

    def asked(self, command: IssueCommand, *, client: str, authority: str) -> Asked:
        """Return the keyed digests under which a request is known again."""
        return Asked(
            client=client,
            authority=authority,
            key_index=self._vault.key_index(authority, command.idempotency_key),
            digest=self._vault.digest(command),
        )

    def known(self, asked: Asked) -> Intent | None:
        """Return the intent of an earlier request under this key, or None."""
        return self._intents.find(authority=asked.authority, key_index=asked.key_index)

    def reserve(self, draft: Draft, asked: Asked) -> Reserved | Intent:
        """Commit a new intent, or return the one that another call under the same key committed meanwhile.

        Raises:
            SuccessorInPreparation: the version to be replaced is being replaced by another call.
            CertificateIdentifierVersion: the version to be replaced is the last possible one.
        """
        for _ in range(_TRIES):
            identifier = self._identifier(draft)
            intent = Intent(
                identifier=identifier.value,
                authority=asked.authority,
                key_index=asked.key_index,
                digest=asked.digest,
                client=asked.client,
                created_at=draft.moment,
                attempt=new_id(self._clock, self._randomness),
                lease_until=draft.moment + LEASE,
                sealed=self._vault.seal_command(draft.command, identifier.value),
            )
            if self._intents.reserve(intent):
                return Reserved(draft=draft, intent=intent, identifier=identifier)
            known = self.known(asked)
            if known is not None:
                return known
        raise IssueFailed("No free identifier was found.", tries=_TRIES)

    def claim(self, identifier: str) -> Intent | None:
        """Take over the lease of an open intent, or return None when another run holds it."""
        now = self._clock.now()
        attempt = new_id(self._clock, self._randomness)
        return self._intents.claim(identifier, attempt=attempt, now=now, until=now + LEASE)

    def _identifier(self, draft: Draft) -> CertificateIdentifier:
        replaced = draft.command.supersedes
        if replaced is not None:
            return self._next_version(replaced)
        number = int.from_bytes(self._randomness.token(_SERIAL_BYTES), "big")
        serial = f"{calendar_day(draft.moment):%Y%m%d}{encode_crockford(number, _SERIAL_CHARACTERS)}"
        return CertificateIdentifier.build(draft.kind.code, draft.authority.uscc, serial)

    def _next_version(self, replaced: CertificateIdentifier) -> CertificateIdentifier:
        """Return the first version after `replaced` that was never reserved; an abandoned one is never used again."""
        identifier = replaced.next_version()
        while (state := self._intents.state(identifier.value)) is not None:
            if state is not IntentState.ABANDONED:
                raise SuccessorInPreparation(field="supersedes")
            identifier = identifier.next_version()
        return identifier
