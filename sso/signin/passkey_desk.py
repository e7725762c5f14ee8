"""Signing in by passkey, without typing a number; registering and removing passkeys."""

import hashlib
from datetime import timedelta
from typing import Final

from sso.accounts.domain import Person
from sso.signin.credentials import Challenge, ChallengeKind, Passkey, is_ended
from sso.signin.desk import Desk, SignedIn, Workshop
from sso.signin.devices import Device
from sso.signin.domain import Method, Session, Strength
from sso.signin.errors import PasskeyEnrolled, PasskeyRefused, PasskeysTooMany, PasskeyUnknown, SessionOver
from sso.signin.passkeys import Answer, Ceremonies
from trust.kernel.ids import new_id
from trust.kernel.text import check_clear_text

CHALLENGE_LIFE: Final = timedelta(minutes=5)
"""How long a ceremony may take (WebAuthn level 3 section 15.1 recommends 5 to 10 minutes)."""

PASSKEYS_MAX: Final = 10
"""Most passkeys of a person: a few phones, computers and keys; the list goes to the browser in full."""

LABEL_MAX: Final = 40
"""Longest word for a passkey, characters."""

_CHALLENGE_BYTES: Final = 32


class PasskeyDesk(Desk):
    """Passkeys (WebAuthn)."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        self._ceremonies = Ceremonies(workshop.site)

    def passkey_challenge(self, session: Session | None = None) -> str:
        """Return the options for `navigator.credentials.get()` as JSON: to sign in, or to renew `session`.

        Nobody need be named to sign in, so nothing is told about anybody.
        """
        if session is None:
            return self._ceremonies.authentication_options(self._challenge(ChallengeKind.SIGN_IN, None))
        known = self._passkeys(self._owner(session))
        return self._ceremonies.authentication_options(self._challenge(ChallengeKind.STEP_UP, session.id), known)

    def with_passkey(self, response: str, device: Device) -> SignedIn:
        """Open a session by the browser's answer, a JSON text, to `passkey_challenge()`.

        Raises:
            PasskeyMalformed: the text is no answer of a browser.
            PasskeyRefused: it proves nothing: challenge, origin, signature, counter, user verification, person.
        """
        answer, passkey, sign_count = self._passkey_proved(response, ChallengeKind.SIGN_IN, None)
        person = self._person(passkey.person)
        if person is None or answer.user_handle is None:
            self._refuse(PasskeyRefused(), "person cannot sign in, or no user handle", passkey.person)
        self._demand_standing(passkey, person)
        change, secret = self._with.sessions.opening(person, Strength.PASSKEY, (Method.PASSKEY,), device.label)
        if not self._with.ceremonies.finish_by_passkey(passkey, sign_count, self._now(), change):
            self._refuse(PasskeyRefused(), "passkey used or removed meanwhile", person.id)
        return self._signed_in(change, secret)

    def step_up_with_passkey(self, session: Session, response: str) -> SignedIn:
        """Renew `session` by the answer to `passkey_challenge(session)`; it gets the strength of a passkey.

        Raises `PasskeyMalformed`, `PasskeyRefused` (also for another person's passkey), `SessionOver`.
        """
        person = self._owner(session)
        _, passkey, sign_count = self._passkey_proved(response, ChallengeKind.STEP_UP, session)
        self._demand_standing(passkey, person)
        change, secret = self._with.sessions.renewing(session, Strength.PASSKEY, (Method.PASSKEY,))
        if not self._with.ceremonies.finish_by_passkey(passkey, sign_count, self._now(), change):
            self._refuse(SessionOver(), "passkey used or removed, or session over, meanwhile", session.person)
        return self._signed_in(change, secret)

    def enrol_passkey(self, session: Session) -> str:
        """Return the options for `navigator.credentials.create()` as JSON.

        Raises `StepUpRequired`, `PasskeysTooMany`.
        """
        person = self._fresh_owner(session)
        known = self._passkeys(person)
        self._demand_room(known, person.id)
        challenge = self._challenge(ChallengeKind.REGISTRATION, session.id)
        return self._ceremonies.registration_options(
            challenge, handle=self._handle(person.id), name=person.name, known=known
        )

    def confirm_passkey(self, session: Session, response: str, label: str) -> Passkey:
        """Register the passkey that the browser made for `enrol_passkey`; `label` is the person's word for it.

        Raises `PasskeyMalformed`, `PasskeyRefused`, `PasskeyEnrolled`, `PasskeysTooMany`, `StepUpRequired`, and
        `SessionOver`; and `TextLength`, `TextCharacters`, `PersonalNumberInText` for the label.
        """
        person = self._fresh_owner(session)
        check_clear_text(label, field="label", most=LABEL_MAX)
        self._demand_room(self._passkeys(person), person.id)
        answer = self._answered(response, ChallengeKind.REGISTRATION, session)
        try:
            proved = self._ceremonies.verify_registration(answer)
        except PasskeyRefused as error:
            self._refuse(error, str(error.facts.get("reason")), person.id)
        passkey = Passkey(
            id=new_id(self._with.clock, self._with.randomness),
            person=person.id,
            credential=proved.credential,
            public_key=proved.public_key,
            sign_count=proved.sign_count,
            label=label,
            created_at=self._now(),
        )
        if not self._with.credentials.add_passkey(passkey, session):
            self._with.sessions.living(session.id)
            self._refuse(PasskeyEnrolled(), "credential id registered before", person.id)
        return passkey

    def remove_passkey(self, session: Session, passkey_id: str) -> None:
        """Remove a passkey of the session's person. Raises `StepUpRequired`, `PasskeyUnknown`."""
        self._fresh_owner(session)
        # Ids are letters and digits; PostgreSQL fails on a NUL in a text.
        if not passkey_id.isalnum() or not self._with.credentials.remove_passkey(passkey_id, session.person):
            self._refuse(PasskeyUnknown(field="passkey"), "not a passkey of the person", session.person)

    def _challenge(self, kind: ChallengeKind, session: str | None) -> bytes:
        challenge = self._with.randomness.token(_CHALLENGE_BYTES)
        self._with.ceremonies.add_challenge(
            Challenge(
                digest=hashlib.sha256(challenge).digest(),
                kind=kind,
                session=session,
                expires_at=self._now() + CHALLENGE_LIFE,
            )
        )
        return challenge

    def _answered(self, response: str, kind: ChallengeKind, session: Session | None) -> Answer:
        """Return an answer to a challenge of ours, which is used up by it, right or wrong."""
        answer = Answer.parse(response)
        found = self._with.ceremonies.take_challenge(hashlib.sha256(answer.challenge).digest())
        expected = (kind, session and session.id)
        if found is None or (found.kind, found.session) != expected or self._now() >= found.expires_at:
            self._refuse(PasskeyRefused(), "challenge unknown, used, expired or of another ceremony", None)
        return answer

    def _passkey_proved(
        self, response: str, kind: ChallengeKind, session: Session | None
    ) -> tuple[Answer, Passkey, int]:
        """Return the answer, the passkey that it proves and the new signature counter."""
        answer = self._answered(response, kind, session)
        passkey = self._with.credentials.passkey(answer.credential)
        if passkey is None or (session is not None and passkey.person != session.person):
            self._refuse(
                PasskeyRefused(), "credential unknown or another person's", passkey.person if passkey else None
            )
        try:
            return (
                answer,
                passkey,
                self._ceremonies.verify_assertion(answer, passkey, handle=self._handle(passkey.person)),
            )
        except PasskeyRefused as error:
            self._refuse(error, str(error.facts.get("reason")), passkey.person)

    def _demand_standing(self, passkey: Passkey, person: Person) -> None:
        if is_ended(passkey.created_at, person):
            self._refuse(PasskeyRefused(), "passkey has ended", person.id)

    def _demand_room(self, known: tuple[Passkey, ...], person: str) -> None:
        if len(known) >= PASSKEYS_MAX:
            self._refuse(PasskeysTooMany(f"An account has at most {PASSKEYS_MAX}."), "too many passkeys", person)

    def _handle(self, person_id: str) -> bytes:
        """Return the user handle (level 3 section 5.4.3): opaque, the same for all passkeys of a person."""
        return self._with.index.of(person_id, domain="sso.signin.user-handle")
