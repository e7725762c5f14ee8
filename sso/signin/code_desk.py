"""One-time codes: setting up the app, and using its codes as a second factor, as a step-up, or at a counter."""

from collections.abc import Mapping
from typing import Final

from sso.accounts.domain import Person
from sso.signin.credentials import AttemptKind, StoredTotp
from sso.signin.desk import Desk, SignedIn
from sso.signin.devices import Device
from sso.signin.domain import Method, Session, Strength
from sso.signin.errors import CodeRefused, StepUpTooWeak, TotpEnrolled, TotpNotEnrolled
from sso.signin.throttle import Rule, Secret
from sso.signin.totp import SECRET_BYTES, TotpEnrolment, enrolment, step_of

_METHODS: Final = (Method.PASSWORD, Method.OTP)


class CodeDesk(Desk):
    """One-time codes by time (RFC 6238)."""

    def enrol_totp(self, session: Session) -> TotpEnrolment:
        """Return a new secret for the person's app; it has no effect before `confirm_totp`.

        Raises `StepUpRequired`, `TotpEnrolled`.
        """
        person = self._fresh_owner(session)
        secret = self._with.randomness.token(SECRET_BYTES)
        totp = StoredTotp(
            person=person.id,
            sealed=self._with.cipher.seal(secret, place=_place(person.id)),
            last_step=0,
            created_at=self._now(),
        )
        if not self._with.credentials.begin_totp(totp, ended_before=person.credentials_from):
            self._refuse(TotpEnrolled(), "confirmed app exists", person.id)
        return enrolment(secret, account=person.masked_name, issuer=self._with.site.host)

    def confirm_totp(self, session: Session, code: str, device: Device) -> None:
        """Give the app effect: `code` shows that it holds the secret. That code is used up.

        Raises `StepUpRequired`, `TotpNotEnrolled`, `TotpEnrolled`, `CodeRefused`, `SignInThrottled`.
        """
        person = self._fresh_owner(session)
        totp = self._totp(person)
        if totp is None:
            self._refuse(TotpNotEnrolled(), "nothing to confirm", person.id)
        if totp.confirmed_at is not None:
            self._refuse(TotpEnrolled(), "confirmed app exists", person.id)
        time_step, charged = self._judged(person, totp, code, device)
        if not self._with.credentials.confirm_totp(totp, time_step, self._now()):
            self._refuse(CodeRefused(), "another app was set up meanwhile", person.id)
        self._with.throttle.take_back(charged)

    def remove_totp(self, session: Session) -> None:
        """Remove the app. Raises `StepUpRequired`, `TotpNotEnrolled`."""
        person = self._fresh_owner(session)
        if not self._with.credentials.remove_totp(person.id):
            self._refuse(TotpNotEnrolled(), "no app to remove", person.id)

    def with_code(self, attempt_secret: str, code: str, device: Device) -> SignedIn:
        """Finish a sign-in that waits for its code; a wrong code leaves the attempt for another try.

        Raises:
            AttemptEnded: the password step is too old, finished, or ended by a change of password.
            CodeRefused: wrong, or used before.
            SignInThrottled: too many wrong codes.
            SessionOver: the session that was to be renewed ended.
        """
        attempt, person = self._attempt(attempt_secret, AttemptKind.CODE)
        time_step, charged = self._code_proved(person, code, device)
        sessions = self._with.sessions
        change, secret = (
            sessions.opening(person, Strength.ONE_TIME_CODE, _METHODS, device.label)
            if attempt.session is None
            else sessions.renewing(sessions.living(attempt.session), Strength.ONE_TIME_CODE, _METHODS)
        )
        if not self._with.ceremonies.finish_by_code(attempt, time_step, change):
            self._refuse(CodeRefused(), "code or attempt used before", person.id)
        self._with.throttle.take_back(charged)
        return self._signed_in(change, secret)

    def step_up_with_code(self, session: Session, code: str, device: Device) -> SignedIn:
        """Renew a session that a password opened; it becomes as strong as password and code.

        Raises `StepUpTooWeak` for a session of a passkey or without password, `CodeRefused`, `SignInThrottled`,
        `SessionOver`.
        """
        person = self._owner(session)
        if Method.PASSWORD not in session.methods or not session.may_be_renewed_by(Strength.ONE_TIME_CODE):
            self._refuse(StepUpTooWeak(), "code for a session of another kind", person.id)
        time_step, charged = self._code_proved(person, code, device)
        change, secret = self._with.sessions.renewing(session, Strength.ONE_TIME_CODE, (Method.OTP,))
        if not self._with.ceremonies.renew_by_code(time_step, change):
            self._refuse(CodeRefused(), "code used before, or session over", person.id)
        self._with.throttle.take_back(charged)
        return self._signed_in(change, secret)

    def use_code(self, person_id: str, code: str, device: Device) -> None:
        """Use up a code that a person shows at a counter; `device` is the counter's.

        Raises `CodeRefused`, also for a person who has no app or cannot sign in, and `SignInThrottled`.
        """
        person = self._person(person_id)
        if person is None:
            self._refuse(CodeRefused(), "person cannot sign in", person_id)
        time_step, charged = self._code_proved(person, code, device)
        if not self._with.credentials.use_step(person.id, time_step):
            self._refuse(CodeRefused(), "code used before", person.id)
        self._with.throttle.take_back(charged)

    def _code_proved(self, person: Person, code: str, device: Device) -> tuple[int, Mapping[bytes, Rule]]:
        totp = self._totp(person)
        if totp is None or totp.confirmed_at is None:
            self._refuse(CodeRefused(), "no confirmed app", person.id)
        return self._judged(person, totp, code, device)

    def _judged(self, person: Person, totp: StoredTotp, code: str, device: Device) -> tuple[int, Mapping[bytes, Rule]]:
        """Charge and judge; return the time step, still to be used up, and the charge, to be taken back then."""
        charged = self._with.throttle.charge(Secret.CODE, person.id, device, self._known(device, person))
        secret = self._with.cipher.open(totp.sealed, place=_place(person.id))
        time_step = step_of(secret, code, now=self._now())
        if time_step is None:
            self._refuse(CodeRefused(), "wrong code", person.id)
        return time_step, charged


def _place(person_id: str) -> str:
    return f"sso_totp.sealed:{person_id}"
