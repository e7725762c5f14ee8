"""Relying systems join by application: one person asks, another approves, and both names stay for good (law 9).

**A registration**: 1 the proposal is checked as the register would check it · 2 it is kept · 3 another person approves:
it is checked again, and decision and system are one commit · 4 the one who applied has the secret made and shown, once.
Until then the system has no secret that anybody knows; none is ever kept for somebody to read later.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from sso.provider.application import (
    Application,
    ApplicationKind,
    ApplicationState,
    Proposal,
    Registration,
)
from sso.provider.application_errors import (
    ApplicationDecided,
    ApplicationLapsed,
    ApplicationUnknown,
    NotRelying,
    NotTheOwner,
    SecretNotDue,
)
from sso.provider.application_ports import ApplicationStore, Collected, Decision, Matters, Types
from sso.provider.domain import Client, Registered, SecretDigest
from sso.provider.errors import ClientDisabled, ClientWithoutSecret, RegistrationNameInvalid
from sso.provider.service import ClientRegistry, has_secret
from trust.authority.errors import SamePerson
from trust.kernel.bearer_secrets import new_secret
from trust.kernel.clock import Clock
from trust.kernel.errors import NotFound
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_person, check_reason, is_same_person

SANDBOX_RULE: Final = "rule:sandbox"
"""Who approves a sandbox system: the rules of `sso.provider.sandbox`, under which nothing real can be reached."""

_log = structlog.get_logger("sso.applications")


class ApplicationDesk:
    """Takes, decides and carries out applications. For operators and officers only."""

    def __init__(
        self,
        store: ApplicationStore,
        *,
        registry: ClientRegistry,
        matters: Matters,
        types: Types,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._store = store
        self._registry = registry
        self._matters = matters
        self._types = types
        self._clock = clock
        self._randomness = randomness

    def check(self, proposal: Proposal, *, client: str | None = None) -> Proposal:
        """Return the proposal as it would be registered, and keep nothing: for a page that shows it before it is sent.

        `client` is the system to change, None for a new one.

        Raises:
            RegistrationNameInvalid: a matter, a type or a system that there is not.
            ClientUnknown, ClientDisabled, NotRelying: no system to be changed.
            TrustError: as `ClientRegistry.register_relying`.
        """
        self._check_catalogues(proposal)
        return proposal.with_registration(self._drafted(proposal, client))

    def apply(self, proposal: Proposal, *, by: str) -> Application:
        """Apply for a new system. Raises as `check`, and as `check_person`."""
        checked = self.check(proposal)
        return self._kept(ApplicationKind.REGISTER, new_id(self._clock, self._randomness), checked, None, by)

    def apply_change(self, client_id: str, proposal: Proposal, *, by: str) -> Application:
        """Apply for a change of everything that is registered of a system. Raises as `check`, and as `check_person`."""
        before = self._before(client_id)
        return self._kept(ApplicationKind.CHANGE, client_id, self.check(proposal, client=client_id), before, by)

    def apply_rotation(self, client_id: str, *, by: str, why: str) -> Application:
        """Apply for another secret; the present one works until the new one is collected.

        Raises `ClientUnknown`, `ClientDisabled`, `ClientWithoutSecret`, and as `check_person` and `check_reason`.
        """
        client = self._enabled(client_id)
        if not has_secret(client.relying):
            raise ClientWithoutSecret(field="client")
        return self._kept_about(ApplicationKind.ROTATE, client, by=by, why=why)

    def apply_disabling(self, client_id: str, *, by: str, why: str) -> Application:
        """Apply that a system be ended for good. Raises as `apply_rotation`, but for `ClientWithoutSecret`."""
        return self._kept_about(ApplicationKind.DISABLE, self._enabled(client_id), by=by, why=why)

    def approve(self, application_id: str, *, by: str) -> Application:
        """Approve an application and carry it out.

        Raises:
            ApplicationUnknown, ApplicationDecided, ApplicationLapsed: nothing to be decided, or not any more.
            SamePerson: the one who applied cannot approve (law 9).
            ApplicationOverrun: the system has been changed since.
            TrustError: as `check`, for what has changed since the application.
        """
        check_person(by, field="approved_by")
        application = self.get(application_id)
        if is_same_person(by, application.requested_by):
            raise SamePerson(field="approved_by")
        return self._carried_out(application, by)

    def refuse(self, application_id: str, *, by: str, reason: str) -> Application:
        """Refuse an application; the one who applied may take it back this way.

        Raises `ApplicationUnknown`, `ApplicationDecided`, and as `check_person` and `check_reason`.
        """
        check_person(by, field="refused_by")
        check_reason(reason, field="reason")
        self.get(application_id)
        refused = self._store.refuse(application_id, Decision(by=by, at=self._clock.now(), reason=reason))
        _log.info("system application refused", application=application_id, client=refused.client)
        return refused

    def collect(self, application_id: str, *, by: str) -> Collected:
        """Make the secret of an approved registration or rotation, and return it to the one who applied; once.

        Raises `ApplicationUnknown`, `NotTheOwner`, `SecretNotDue`, `ClientDisabled`.
        """
        application = self.get(application_id)
        if not is_same_person(by, application.requested_by):
            _log.warning("client secret refused", application=application_id, client=application.client)
            raise NotTheOwner(field="application")
        if not self.secret_due(application):
            raise SecretNotDue(field="application")
        client, secret = self._enabled(application.client), new_secret(self._randomness)
        if not self._store.collect(application_id, SecretDigest.of(secret), self._clock.now()):
            raise SecretNotDue(field="application")
        _log.info("client secret handed out", application=application_id, client=client.id)
        return Collected(application=self.get(application_id), registered=Registered(client=client, secret=secret))

    def secret_due(self, application: Application) -> bool:
        """Whether there is a secret for the one who applied to collect."""
        if application.state is not ApplicationState.APPROVED or application.collected_at is not None:
            return False
        if application.kind is ApplicationKind.REGISTER:
            return application.asked is not None and has_secret(application.asked.relying)
        return application.kind is ApplicationKind.ROTATE

    def open_sandbox(self, proposal: Proposal, *, by: str) -> Collected:
        """Register a sandbox system at once: its rules approve it, as nothing real can be reached through it.

        Raises `SandboxNotAllowed`, `SandboxRuleBroken`, and as `apply`.
        """
        marked = replace(proposal, relying=replace(proposal.relying, sandbox=True))
        application = self.apply(marked, by=by)
        approved = self._carried_out(application, SANDBOX_RULE)
        if self.secret_due(approved):
            return self.collect(approved.id, by=by)
        client = self._registry.get(approved.client)
        return Collected(application=approved, registered=Registered(client=client, secret=""))

    def get(self, application_id: str) -> Application:
        """Return an application. Raises `ApplicationUnknown`."""
        found = self._store.find(application_id) if application_id.isalnum() else None
        if found is None:
            raise ApplicationUnknown(field="application")
        return found

    def applications(
        self, *, client: str | None = None, state: ApplicationState | None = None
    ) -> Sequence[Application]:
        """Return applications, oldest first: those about one system, in one state, or all that ever were."""
        return self._store.applications(client=client, state=state)

    def _carried_out(self, application: Application, by: str) -> Application:
        if application.state is not ApplicationState.WAITING:
            raise ApplicationDecided(field="application")
        now = self._clock.now()
        if now >= application.lapses_at():
            raise ApplicationLapsed(field="application")
        approved = self._store.approve(
            application.id,
            Decision(by=by, at=now),
            client=self._as_asked(application),
            secret=SecretDigest.of(new_secret(self._randomness)),
        )
        _log.info(
            "system application approved", application=application.id, kind=approved.kind.value, client=approved.client
        )
        return approved

    def _as_asked(self, application: Application) -> Client | None:
        """Return the system as the application wants it, checked against what is registered now."""
        asked = application.asked
        if asked is None:
            return None
        proposal = Proposal(
            label=asked.label,
            authority=application.authority,
            scopes=asked.scopes,
            relying=asked.relying,
            why=application.why,
            reasons=application.reasons,
        )
        self._check_catalogues(proposal)
        known = application.client if application.kind is ApplicationKind.CHANGE else None
        return replace(self._drafted(proposal, known), id=application.client)

    def _drafted(self, proposal: Proposal, client: str | None) -> Client:
        if client is not None:
            before = self._registry.get(client)
            if before.authority != proposal.authority:
                raise RegistrationNameInvalid("A system stays with its authority.", field="authority")
            return self._registry.changed(client, proposal.relying, label=proposal.label, scopes=proposal.scopes_text)
        return self._registry.drafted(
            label=proposal.label,
            authority=proposal.authority.value,
            scopes=proposal.scopes_text,
            relying=proposal.relying,
        )

    def _enabled(self, client_id: str) -> Client:
        client = self._registry.get(client_id)
        if not client.enabled:
            raise ClientDisabled(field="client")
        return client

    def _before(self, client_id: str) -> Registration:
        found = Registration.of(self._enabled(client_id))
        if found is None:
            raise NotRelying(field="client")
        return found

    def _check_catalogues(self, proposal: Proposal) -> None:
        catalogues: tuple[tuple[str, Callable[[str], object]], ...] = (
            ("matters", self._matters.matter),
            ("types", self._types.get),
        )
        for name, find in catalogues:
            for code in sorted(getattr(proposal.relying, name)):
                try:
                    find(code)
                except NotFound:
                    raise RegistrationNameInvalid(f"There is none in force: {code}.", field=name) from None

    def _kept(
        self, kind: ApplicationKind, client: str, proposal: Proposal, before: Registration | None, by: str
    ) -> Application:
        asked = Registration(label=proposal.label, scopes=proposal.scopes, relying=proposal.relying)
        return self._add(
            Application(
                id=new_id(self._clock, self._randomness),
                kind=kind,
                client=client,
                authority=proposal.authority,
                label=proposal.label,
                asked=asked,
                before=before,
                reasons=proposal.reasons,
                why=proposal.why,
                requested_by=by,
                requested_at=self._clock.now(),
            )
        )

    def _kept_about(self, kind: ApplicationKind, client: Client, *, by: str, why: str) -> Application:
        return self._add(
            Application(
                id=new_id(self._clock, self._randomness),
                kind=kind,
                client=client.id,
                authority=client.authority,
                label=client.label,
                asked=None,
                before=None,
                reasons={},
                why=why,
                requested_by=by,
                requested_at=self._clock.now(),
            )
        )

    def _add(self, application: Application) -> Application:
        self._store.add(application)
        _log.info(
            "system application", application=application.id, kind=application.kind.value, client=application.client
        )
        return application
