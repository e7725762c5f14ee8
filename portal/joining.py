"""Public registration with a password in one step, over the two contexts that know half of it each."""

from dataclasses import dataclass

from sso.accounts.applications import PublicRegistrations
from sso.accounts.domain import Person, PersonState, ProofingLevel
from sso.accounts.errors import LegalPersonDoesNotApply
from sso.accounts.ports import Claims
from sso.signin.passwords import PasswordHasher, check_new_password
from sso.signin.service import SignInDesk
from trust.formats.holders import HolderNumber
from trust.kernel.clock import Clock

_NOBODY = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Takes public registrations; neither answer, nor cost, nor refusal tells whether the number has an account."""

    applications: PublicRegistrations
    sign_ins: SignInDesk
    hasher: PasswordHasher
    clock: Clock

    def register(self, code: HolderNumber, claims: Claims, password: str) -> None:
        """Register a person with a password, if the sources confirm them and the number is free; else do nothing.

        The password is judged first, by what was typed: later only those without an account would be refused.

        Raises:
            LegalPersonDoesNotApply: an organisation has no sign-in.
            PasswordLength, PasswordCharacters, PasswordWeak: it cannot be a password of this person.
            ProofingSourceUnavailable, ProofingSourceRefused, ProofingAnswerUnreadable: nothing was compared.
        """
        if code.is_legal_person:
            raise LegalPersonDoesNotApply(field="kind")
        check_new_password(password, self._as_typed(code, claims))
        person = self.applications.redeem(self.applications.apply(code, claims).ticket)
        if person is None:
            self.hasher.hash(password)  # what setting it would have cost
        else:
            self.sign_ins.enrol_password(person.id, password)

    def _as_typed(self, code: HolderNumber, claims: Claims) -> Person:
        return Person(
            id=_NOBODY,
            code=code,
            name=claims.name,
            level=ProofingLevel.SELF_ASSERTED,
            state=PersonState.ACTIVE,
            epoch=0,
            created_at=self.clock.now(),
        )
