"""Reading the register of persons: by number, by id, through merges. There is no way to look anybody up by name."""

from collections.abc import Sequence

from sso.accounts import levels
from sso.accounts.domain import Evidence, Person, PersonState
from sso.accounts.errors import PersonUnknown
from sso.accounts.ports import PersonRecord, PersonStore
from sso.accounts.vault import Vault
from trust.formats.holders import HolderNumber
from trust.kernel.clock import Clock, calendar_day


class PersonDirectory:
    """Who is registered, and how surely they are known at this moment."""

    def __init__(self, *, store: PersonStore, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    def find(self, code: HolderNumber) -> Person | None:
        """Return whom a number belongs to, after merges; None takes as long as a person."""
        record = self._store.find(self._vault.index(code))
        if record is None:
            self._vault.open_nobody()
            return None
        return self._shown(record)

    def get(self, person_id: str) -> Person:
        """Return the account with this id; follows no merge. Raises `PersonUnknown`."""
        record = self._store.get(person_id)
        if record is None:
            raise PersonUnknown(person=person_id)
        return self._shown(record)

    def survivor(self, person_id: str) -> Person:
        """Return the account that this one leads to after merges: itself when it was not merged.

        Raises `PersonUnknown`. It ends: an account is merged once and for good, into one that was not.
        """
        person = self.get(person_id)
        while person.state is PersonState.MERGED and person.merged_into is not None:
            person = self.get(person.merged_into)
        return person

    def codes(self, person_id: str) -> tuple[HolderNumber, ...]:
        """Return every number that leads to this account, oldest first: those of its merged duplicates too."""
        return tuple(self._vault.open_code(code) for code in self._store.codes(person_id))

    def evidence(self, person_id: str) -> Sequence[Evidence]:
        """Return all evidence about a person, oldest first, that of merged duplicates too; it is never deleted.

        A duplicate's evidence is the history of the person, but gives the survivor no level: it is about another
        number.
        """
        return self._store.evidence([person_id, *self._store.merged_into(person_id)])

    def _shown(self, record: PersonRecord) -> Person:
        stored, evidence = record
        code, name = self._vault.open(stored)
        today = calendar_day(self._clock.now())
        standing = levels.standing(evidence, name_version=stored.name_version, today=today)
        return Person(
            id=stored.id,
            code=code,
            name=name,
            level=standing.level,
            state=stored.state,
            epoch=stored.epoch,
            created_at=stored.created_at,
            document_expires=standing.document_expires,
            merged_into=stored.merged_into,
            credentials_from=stored.credentials_from,
            name_version=stored.name_version,
        )
