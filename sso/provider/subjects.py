"""Pairwise subjects and session ids: one person has another name at each relying system (OIDC core section 8.1)."""

from trust.kernel.encoding import base64url
from trust.sealing import BlindIndex


class PairwiseSubjects:
    """Derives `sub` and `sid` with the index key of the installation; nobody else can link or invert them."""

    def __init__(self, index: BlindIndex) -> None:
        self._index = index

    def subject(self, person: str, *, sector: str) -> str:
        """Return the `sub` of a person at the systems of one sector."""
        return base64url(self._index.of(f"{sector}\x00{person}", domain="sso.subject"))

    def session(self, session: str, *, client: str) -> str:
        """Return the `sid` of a session at one client (OIDC back-channel logout section 2.1)."""
        return base64url(self._index.of(f"{client}\x00{session}", domain="sso.sid"))
