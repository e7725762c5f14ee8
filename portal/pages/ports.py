"""What the pages for people who sign in need of the services; `portal.wiring` plugs the real ones in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sso.accounts.domain import Person
from sso.accounts.ports import Claims
from sso.keycloak.domain import UpstreamSignIn
from sso.keycloak.sources import UpstreamSource
from sso.signin.credentials import Enrolled, Passkey
from sso.signin.desk import SecondFactorNeeded, SignedIn
from sso.signin.devices import Device
from sso.signin.domain import Method, Session, Strength
from sso.signin.recovery_desk import Recovering, Renewed
from sso.signin.totp import TotpEnrolment
from trust.formats.holders import HolderNumber


class SignIns(Protocol):
    """Proofs of who somebody is (`sso.signin.service.SignInDesk`); that class says what each method raises."""

    def enrolled(self, person_id: str) -> Enrolled:
        """Return what the person can sign in with."""
        ...

    def with_password(self, identifier: HolderNumber, password: str, device: Device) -> SignedIn | SecondFactorNeeded:
        """Open a session by password, or ask for the code."""
        ...

    def with_code(self, attempt_secret: str, code: str, device: Device) -> SignedIn:
        """Finish a sign-in that waits for its code."""
        ...

    def passkey_challenge(self, session: Session | None = None) -> str:
        """Return the options of a sign-in or step-up as JSON."""
        ...

    def with_passkey(self, response: str, device: Device) -> SignedIn:
        """Open a session by passkey."""
        ...

    def confirm_password(self, session: Session, password: str, device: Device) -> SignedIn | SecondFactorNeeded:
        """Renew a session by password."""
        ...

    def step_up_with_code(self, session: Session, code: str, device: Device) -> SignedIn:
        """Renew a session by code."""
        ...

    def step_up_with_passkey(self, session: Session, response: str) -> SignedIn:
        """Renew a session by passkey."""
        ...

    def recover(self, identifier: HolderNumber, code: str, device: Device) -> Recovering:
        """Use up a recovery code, or one from a counter."""
        ...

    def renew(self, recovering_secret: str, password: str, device: Device) -> Renewed:
        """Set a new password after a recovery code."""
        ...


class Credentials(Protocol):
    """A signed-in person's own credentials (`sso.signin.service.SignInDesk`)."""

    def enrolled(self, person_id: str) -> Enrolled:
        """Return what the person can sign in with."""
        ...

    def enrol_password(self, person_id: str, password: str) -> None:
        """Give a person their first password."""
        ...

    def change_password(self, session: Session, old: str, new: str, device: Device) -> SignedIn:
        """Put a new password in the place of the old one."""
        ...

    def enrol_totp(self, session: Session) -> TotpEnrolment:
        """Return a new secret for the person's app."""
        ...

    def confirm_totp(self, session: Session, code: str, device: Device) -> None:
        """Give the app effect."""
        ...

    def remove_totp(self, session: Session) -> None:
        """Remove the app."""
        ...

    def enrol_passkey(self, session: Session) -> str:
        """Return the options of a registration as JSON."""
        ...

    def confirm_passkey(self, session: Session, response: str, label: str) -> Passkey:
        """Register the passkey that the browser made."""
        ...

    def remove_passkey(self, session: Session, passkey_id: str) -> None:
        """Remove a passkey."""
        ...

    def new_recovery_codes(self, session: Session) -> tuple[str, ...]:
        """Return a new set of recovery codes."""
        ...


class SessionEnder(Protocol):
    """Opens and ends sessions (`sso.signin.sessions.Sessions`)."""

    def open(
        self,
        person: Person,
        strength: Strength,
        methods: Sequence[Method],
        client_label: str,
        *,
        proved_at: datetime | None = None,
    ) -> tuple[Session, str]:
        """Open a session for a person whom an upstream signed in at `proved_at`; return it and its secret."""
        ...

    def end(self, session_id: str, by: str, *, reason: str = "signed-out") -> None:
        """End a session of the person `by`. Raises `SessionUnknown`."""
        ...


class Registration(Protocol):
    """Takes public registrations, alike whether or not there is an account (`portal.joining.Registration`)."""

    def register(self, code: HolderNumber, claims: Claims, password: str) -> None:
        """Register a person with a password. Raises what tells nothing about accounts."""
        ...


class Upstreams(Protocol):
    """Signing in through another platform (`sso.keycloak.upstream.UpstreamDesk`)."""

    def sources(self) -> Sequence[UpstreamSource]:
        """Return the platforms on offer."""
        ...

    def begin(self, source: str, browser_binding: str, *, fresh: bool = False) -> str:
        """Return where to send the browser."""
        ...

    def finish(self, source: str, parameters: Mapping[str, Sequence[str]], browser_binding: str) -> UpstreamSignIn:
        """Return who signed in there."""
        ...

    def opened(self, sign_in: UpstreamSignIn, session: Session) -> None:
        """Remember which session the sign-in opened."""
        ...
