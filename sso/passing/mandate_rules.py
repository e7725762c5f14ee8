"""Whether the mandate of a token still holds, for this matter and case; a one-off mandate is used up by one case."""

from sso.mandates.domain import Mandate, MandateKind
from sso.passing.counter_rules import refused
from sso.passing.domain import Case
from sso.passing.ports import Mandates
from sso.provider.claims import TokenContents
from sso.provider.oauth_errors import OAuthRefused
from trust.kernel.errors import TrustError, Unavailable


class MandateRules:
    """Judges the mandate behind a representation."""

    def __init__(self, mandates: Mandates) -> None:
        self._mandates = mandates

    def judge(self, contents: TokenContents, case: Case | None) -> Mandate | None:
        """Return the mandate, or None when the subject acts for themselves. Raises `OAuthRefused`."""
        represents = contents.represents
        if represents is None:
            return None
        matter = contents.matter if case is None else case.matter
        number = None if case is None else case.id
        try:
            return self._mandates.check(represents.mandate, agent=contents.person, matter=matter, case=number)
        except Unavailable:
            raise
        except TrustError as error:
            raise _broken(error) from None

    def use_up(self, mandate: Mandate | None, case: Case | None) -> None:
        """Use a one-off mandate up for its case; the same case again changes nothing.

        Raises `OAuthRefused` when another case was quicker.
        """
        if mandate is None or case is None or mandate.kind is not MandateKind.ONE_OFF:
            return
        try:
            self._mandates.use_one_off(mandate.id, case=case.id)
        except Unavailable:
            raise
        except TrustError as error:
            raise _broken(error) from None


def _broken(error: TrustError) -> OAuthRefused:
    return refused("The mandate does not hold, or not for this.", officer=f"mandate: {error.code}")
