"""What applications for relying systems need of others; `portal.wiring` plugs the real parts in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sso.provider.application import Application, ApplicationState
from sso.provider.domain import Client, Registered, SecretDigest


class Matters(Protocol):
    """The catalogue of matters (`sso.counters.service.CounterRegister`)."""

    def matter(self, code: str) -> object:
        """Return a matter in force. Raises a `NotFound`."""
        ...


class Types(Protocol):
    """The catalogue of certificate types (`certs.catalogue`)."""

    def get(self, type_code: str, /) -> object:
        """Return the type. Raises a `NotFound`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decided an application, when, and why where a refusal needs to be understood."""

    by: str
    at: datetime
    reason: str | None = None


class ApplicationStore(Protocol):
    """Keeps applications. Each method is one unit of work."""

    def add(self, application: Application) -> None:
        """Keep a new application."""
        ...

    def find(self, application_id: str) -> Application | None:
        """Return the application, or None."""
        ...

    def applications(self, *, client: str | None, state: ApplicationState | None) -> Sequence[Application]:
        """Return applications, oldest first."""
        ...

    def refuse(self, application_id: str, decision: Decision) -> Application:
        """Refuse a waiting application. Raises `ApplicationUnknown`, `ApplicationDecided`."""
        ...

    def approve(
        self, application_id: str, decision: Decision, *, client: Client | None, secret: SecretDigest
    ) -> Application:
        """Approve a waiting application and carry it out in the same commit.

        `client` is the system as it shall be, for a registration or a change; `secret` what a new one begins with.

        Raises `ApplicationUnknown`, `ApplicationDecided`, `ApplicationOverrun`, `ResourceTaken`, `ClientUnknown`,
        `ClientDisabled`.
        """
        ...

    def collect(self, application_id: str, secret: SecretDigest, at: datetime) -> bool:
        """Put the secret in the place of the present one, unless it was done before for this application."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """A secret at the only moment at which it is known."""

    application: Application
    registered: Registered = field(repr=False)
