"""To whom trust is passed: a registered system, or the certificate API; and which scopes arrive there."""

from dataclasses import dataclass
from typing import Final

from sso.passing.ports import Clients
from sso.provider.domain import Client, Scope
from sso.provider.oauth_errors import OAuthRefused

API: Final = "api"
"""How registrations name the certificate API in `pass_to`; also an accepted `audience`."""

PASSED_SCOPES: Final = frozenset({Scope.OPENID, Scope.PROFILE, Scope.IDENTITY, Scope.CERTS_READ})
"""What can be passed on at all: never a clerk's right to assist, nor a right of a system for itself."""

_API_SCOPES: Final = frozenset({Scope.CERTS_READ})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a token goes. `name` is a client id or `api`; `scopes` are what the target takes."""

    name: str
    audience: str
    sector: str
    scopes: frozenset[Scope]

    @property
    def is_api(self) -> bool:
        """Whether it is the certificate API."""
        return self.name == API


class Targets:
    """Finds targets. `api_audience` is the address of the certificate API, `{issuer}/api`."""

    def __init__(self, clients: Clients, *, api_audience: str) -> None:
        self._clients = clients
        self._api_audience = api_audience

    def find(self, client: Client, named: str, *, own: bool) -> Target:
        """Return the target of a name, if `client` may pass trust there; `own` admits the client itself.

        A citizen's presence is first passed to the system they stand in front of, so that one is admitted then.
        Raises `OAuthRefused` with `invalid_target`, the same for what does not exist and what is not allowed.
        """
        allowed = frozenset() if client.relying is None else client.relying.pass_to
        if named in {API, self._api_audience}:
            if API in allowed:
                return Target(name=API, audience=self._api_audience, sector=self._api_audience, scopes=_API_SCOPES)
            raise _unlisted(named)
        found = self._clients.find_resource(named) if ":" in named else self._clients.find(named)
        if found is None or not (found.id in allowed or (own and found.id == client.id)):
            raise _unlisted(named)
        if not found.enabled or found.relying is None:
            raise _unlisted(named)
        relying = found.relying
        audience = relying.resource or found.id
        return Target(name=found.id, audience=audience, sector=relying.sector, scopes=found.scopes)


def _unlisted(named: str) -> OAuthRefused:
    # The name is the caller's text: only its length goes to the log.
    return OAuthRefused(
        "invalid_target",
        "The target is not one that this client may pass trust to.",
        officer=f"unlisted target of {len(named)} characters",
    )
