"""Who calls our API: a department's system for itself, or a system with a person's token that bounds what it opens."""

import base64
import binascii
import json
from typing import Final

from sso.accounts.domain import ProofingLevel
from sso.passing.chain import last_clerk, last_counter_name, purposes
from sso.passing.errors import ProofingTooLow
from sso.passing.ports import Clients, Persons, Registers
from sso.provider.claims import ReadToken, TokenContents, TokenReader
from sso.provider.domain import Scope
from sso.provider.errors import TokenForeign, TokenRevoked
from sso.provider.reference import REFERENCE_CLAIM
from trust.formats.holders import HolderNumber
from trust.http.access import BoundTo, Principal, TokenChecker
from trust.kernel.errors import NotFound

PERSON_API_SCOPES: Final = frozenset({Scope.CERTS_READ.value})
"""What a person's token can do at our API at all; whatever else it carries counts nothing there."""

READ_LEVEL: Final = ProofingLevel.DOCUMENT_CHECKED
"""Least level of the person whose certificates are read. Anybody may register with a name and a number that they know,
if the person has not: what is known of a person by these two alone must not open what only the person may see."""


class ApiTokens:
    """Judges both kinds of access tokens; a `trust.http.access.TokenChecker`."""

    def __init__(
        self,
        *,
        systems: TokenChecker,
        people: TokenReader,
        clients: Clients,
        persons: Persons,
        registers: Registers,
        audience: str,
    ) -> None:
        self._systems = systems
        self._people = people
        self._clients = clients
        self._persons = persons
        self._registers = registers
        self._audience = audience

    def check(self, token: str) -> Principal:
        """Return the principal behind `token`.

        Raises the errors of both checkers, `TokenForeign` for a person's token that is for somebody else or for no
        purpose, and `ProofingTooLow` for a person, or a represented person, below `READ_LEVEL`.
        """
        if not is_persons(token):
            return self._systems.check(token)
        read = self._people.read(token)
        contents = read.contents
        if contents.audience != self._audience:
            raise TokenForeign("The token is not for this API.")
        client = self._clients.find(contents.client)
        if client is None or not client.enabled:
            raise TokenRevoked
        return Principal(
            client=client.id,
            authority=str(client.authority),
            scopes=frozenset(contents.scopes & PERSON_API_SCOPES),
            label=client.label,
            confirmation=contents.confirmation,
            bound=self._bound(read),
        )

    def _bound(self, read: ReadToken) -> BoundTo:
        contents = read.contents
        self._demand_known(contents)
        if contents.matter is None or contents.purpose is None:
            raise TokenForeign("The token has no purpose for which certificates are read.")
        purpose, purpose_zh = self._purposes(contents)
        return BoundTo(
            holders=self._holders(contents),
            types=contents.types,
            purpose=purpose,
            purpose_zh=purpose_zh,
            hop=contents.hop,
            clerk=last_clerk(contents.act),
            counter=last_counter_name(contents.act),
        )

    def _demand_known(self, contents: TokenContents) -> None:
        """An organisation's credit code is public: who acts for it must be known."""
        level = contents.assurance.level
        if contents.represents is not None:
            principal = self._persons.get(contents.represents.person)
            level = level if principal.is_legal else min(level, principal.level)
        if level < READ_LEVEL:
            raise ProofingTooLow(level=level.value)

    def _purposes(self, contents: TokenContents) -> tuple[str, str]:
        """Return the purpose in both languages: of the last hop, or of the matter that was signed in for."""
        known = purposes(contents.act)
        if known is not None:
            return known
        try:
            matter = self._registers.matter(contents.matter or "")
        except NotFound:
            raise TokenForeign("The matter of the token is no longer in force.") from None
        return matter.purpose, matter.purpose_zh

    def _holders(self, contents: TokenContents) -> tuple[HolderNumber, ...]:
        represented = () if contents.represents is None else self._persons.codes(contents.represents.person)
        return (*self._persons.codes(contents.person), *represented)


def is_persons(token: str) -> bool:
    """Whether a token claims to be a person's. Nothing is trusted by it: it only chooses who judges the token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(claims, dict) and REFERENCE_CLAIM in claims
