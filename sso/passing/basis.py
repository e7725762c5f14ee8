"""What an exchange starts from: a token as it is handed on, or a citizen's presence from which a chain begins."""

from dataclasses import dataclass, replace
from datetime import datetime

from sso.accounts.domain import Person
from sso.passing.counter_rules import Before
from sso.passing.domain import Presence
from sso.passing.targets import PASSED_SCOPES
from sso.provider.claims import Assurance, ReadToken, TokenContents
from sso.provider.domain import Client
from sso.revocation.domain import Tie, TieKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """Contents with every tie, the chain before, and the moment beyond which nothing new may live.

    `ends_at` is None for a presence: its code lives for seconds, what it shows holds for the case.
    """

    contents: TokenContents
    before: Before
    ends_at: datetime | None = None
    presence: Presence | None = None


def of_token(token: ReadToken) -> Basis:
    """Return what a subject token hands on; revoking the token itself ends what follows from it as well."""
    contents = token.contents
    ties = contents.ties | {Tie(TieKind.TOKEN, token.jti)}
    return Basis(contents=replace(contents, ties=ties), before=Before.of(contents), ends_at=token.expires_at)


def of_presence(presence: Presence, person: Person, client: Client) -> Basis:
    """Return what a presence hands on: as much as the system in front of the citizen is registered for."""
    contents = TokenContents(
        client=client.id,
        audience=client.id,
        person=presence.person,
        grant=presence.id,
        session=presence.session,
        scopes=frozenset(scope.value for scope in PASSED_SCOPES & client.scopes),
        assurance=Assurance(
            level=person.level,
            strength=presence.strength,
            methods=presence.methods,
            auth_time=presence.auth_time,
        ),
        ties=presence.ties,
    )
    before = Before(
        person=presence.person,
        represented=None,
        case=None,
        clerk=presence.clerk,
        matter=None,
        act=None,
        is_presence=True,
        counter=presence.counter,
    )
    return Basis(contents=contents, before=before, presence=presence)
