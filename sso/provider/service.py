"""The register of clients: departments' systems, and systems that people sign in to."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from sso.provider import sandbox
from sso.provider.domain import (
    LABEL_CHARACTERS,
    Client,
    ClientAuthentication,
    Registered,
    RelyingSystem,
    SecretDigest,
    parse_scopes,
)
from sso.provider.errors import (
    ClientDisabled,
    ClientUnknown,
    ClientWithoutSecret,
    RegistrationNameInvalid,
)
from sso.provider.ports import ClientStore
from sso.provider.registration import API_TARGET, checked
from trust.kernel.bearer_secrets import new_secret
from trust.kernel.clock import Clock
from trust.kernel.identifiers import Uscc
from trust.kernel.ids import new_id
from trust.kernel.randomness import Randomness
from trust.kernel.text import check_clear_text

_log = structlog.get_logger("sso")


class ClientRegistry:
    """The register of clients, for operators; clients are recognised by `sso.provider.client_auth`."""

    def __init__(
        self,
        store: ClientStore,
        clock: Clock,
        randomness: Randomness,
        *,
        issuer: str = "",
        sandboxes: bool = False,
    ) -> None:
        """`issuer` is the public address of this service, which no client can claim as its resource.

        `sandboxes` says whether the installation admits sandbox systems (`sso.provider.sandbox`).
        """
        self._store = store
        self._clock = clock
        self._randomness = randomness
        self._issuer = issuer
        self._sandboxes = sandboxes

    def register(self, *, label: str, authority: str, scopes: str) -> Registered:
        """Register a client of the authority with this USCC; `scopes` is a space-separated list.

        Raises:
            UsccInvalid: `authority` is no unified social credit code (its subclasses name the fault).
            ScopeUnknown: a scope is not known.
            ClientLabelInvalid: the name is empty, too long or not printable.
            PersonalNumberInText: the name, which is kept in clear, holds the number of a person.
        """
        return self._add(label, authority, scopes, None)

    def register_relying(self, *, label: str, authority: str, scopes: str, relying: RelyingSystem) -> Registered:
        """Register a system that people sign in to, or that trust is passed to.

        A client that authenticates by a key or not at all gets no secret: `Registered.secret` is empty.

        Raises:
            RegistrationNameInvalid: trust would be passed to an unknown client.
            ResourceTaken: another client has the resource.
            SandboxNotAllowed, SandboxRuleBroken: see `sso.provider.sandbox`.
            TrustError: as `register`, and as `registration.checked`.
        """
        return self._add(label, authority, scopes, relying)

    def drafted(self, *, label: str, authority: str, scopes: str, relying: RelyingSystem | None) -> Client:
        """Return a new client that nobody has kept yet. Raises as `register_relying`, but for `ResourceTaken`."""
        client = Client(
            id=new_id(self._clock, self._randomness),
            label=label,
            authority=Uscc.parse(authority, field="authority"),
            scopes=parse_scopes(scopes),
            created_at=self._clock.now(),
            relying=None if relying is None else self._checked(relying),
        )
        check_clear_text(client.label, field="label", most=LABEL_CHARACTERS)
        sandbox.check(client, allowed=self._sandboxes)
        return client

    def changed(
        self, client_id: str, relying: RelyingSystem, *, label: str | None = None, scopes: str | None = None
    ) -> Client:
        """Return an enabled client as it would be after a change, unkept: name and scopes change where given.

        Raises as `register_relying` but for `ResourceTaken`, `ClientUnknown`, and `ClientDisabled`.
        """
        client = self._enabled(client_id)
        changed = replace(
            client,
            label=client.label if label is None else label,
            scopes=client.scopes if scopes is None else parse_scopes(scopes),
            relying=self._checked(relying),
        )
        check_clear_text(changed.label, field="label", most=LABEL_CHARACTERS)
        sandbox.check_kept(client.relying, relying)
        sandbox.check(changed, allowed=self._sandboxes)
        return changed

    def rotate(self, client_id: str) -> Registered:
        """Give out a new secret; the old one ends at once, tokens that were issued run out by themselves.

        Raises:
            ClientUnknown: no such client.
            ClientDisabled: a disabled client gets no new secret.
            ClientWithoutSecret: it authenticates otherwise.
        """
        client = self._enabled(client_id)
        if not has_secret(client.relying):
            raise ClientWithoutSecret(field="client")
        secret = new_secret(self._randomness)
        self._store.replace_secret(client_id, SecretDigest.of(secret))
        _log.info("client secret rotated", client=client_id)
        return Registered(client=client, secret=secret)

    def disable(self, client_id: str) -> Client:
        """Disable a client for good; its tokens stop working with the next request. Raises `ClientUnknown`."""
        self.get(client_id)
        self._store.disable(client_id, self._clock.now())
        _log.info("client disabled", client=client_id)
        return self.get(client_id)

    def get(self, client_id: str) -> Client:
        """Return the client. Raises `ClientUnknown`."""
        client = self._store.find(client_id)
        if client is None:
            raise ClientUnknown(field="client")
        return client

    def clients(self) -> Sequence[Client]:
        """Return all clients, oldest first."""
        return self._store.clients()

    def _add(self, label: str, authority: str, scopes: str, relying: RelyingSystem | None) -> Registered:
        client = self.drafted(label=label, authority=authority, scopes=scopes, relying=relying)
        secret = new_secret(self._randomness)  # nobody is told the one of a client that has none
        self._store.add(client, SecretDigest.of(secret))
        _log.info("client registered", client=client.id, scopes=sorted(client.scopes), relying=relying is not None)
        return Registered(client=client, secret=secret if has_secret(relying) else "")

    def _checked(self, relying: RelyingSystem) -> RelyingSystem:
        found = checked(relying, issuer=self._issuer)
        targets = [self._store.find(target) for target in sorted(found.pass_to - {API_TARGET})]
        if any(target is None for target in targets):
            raise RegistrationNameInvalid("Trust can be passed to registered clients only.", field="pass_to")
        sandbox.check_targets(found, [target for target in targets if target is not None])
        return found

    def _enabled(self, client_id: str) -> Client:
        client = self.get(client_id)
        if not client.enabled:
            raise ClientDisabled(field="client")
        return client


def has_secret(relying: RelyingSystem | None) -> bool:
    """Whether a client so registered authenticates by a secret."""
    return relying is None or relying.authentication is ClientAuthentication.SECRET
