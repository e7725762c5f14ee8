"""How people name each other when they grant: by number and name, never by an id, and nobody is found by one alone."""

import unicodedata

import structlog

from sso.mandates.errors import MandateAgentNotFound, NotEntitledToGrant
from sso.mandates.ports import Persons
from trust.formats.holders import HolderNumber

_log = structlog.get_logger("sso.mandates")


class Naming:
    """Finds the persons of a grant. Whoever offers this to people limits how often one may ask."""

    def __init__(self, persons: Persons) -> None:
        self._persons = persons

    def agent(self, code: HolderNumber, name: str) -> str:
        """Return the id of the active natural person with this number and name.

        Raises `MandateAgentNotFound`, whichever of the two does not fit: nobody learns who has an account.
        """
        found = self._persons.find(code)
        if found is None or found.is_legal or not found.active or _plain(found.name) != _plain(name):
            _log.info("agent not found", known=found is not None)
            raise MandateAgentNotFound(field="agent")
        return found.id

    def organisation(self, code: HolderNumber) -> str:
        """Return the id of an organisation. Raises `NotEntitledToGrant`, as for a stranger's."""
        found = self._persons.find(code)
        if found is None or not found.is_legal:
            raise NotEntitledToGrant(field="principal")
        return found.id


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split())
