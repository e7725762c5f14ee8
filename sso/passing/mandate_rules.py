"""Whether the mandate of a token still holds, for this matter and case; a one-off mandate is used up by one case.

Where trust is first passed on without a case, the sign-in (its grant) stands for it, with the cases that follow in it.
"""

from sso.mandates.domain import Mandate, MandateKind
from sso.mandates.errors import MandateUsed
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
        try:
            try:
                return self._mandates.check(
                    represents.mandate, agent=contents.person, matter=matter, case=_use(contents, case)
                )
            except MandateUsed:  # before the case began, by this very sign-in?
                return self._mandates.check(
                    represents.mandate, agent=contents.person, matter=matter, case=contents.grant
                )
        except Unavailable:
            raise
        except TrustError as error:
            raise _broken(error) from None

    def use_up(self, mandate: Mandate | None, contents: TokenContents, case: Case | None) -> None:
        """Use a one-off mandate up for its case, or without one for its grant.

        One that was used up when it was judged was used for this. Raises `OAuthRefused` when another was quicker.
        """
        if mandate is None or mandate.kind is not MandateKind.ONE_OFF or mandate.used_at is not None:
            return
        try:
            self._mandates.use_one_off(mandate.id, case=_use(contents, case))
        except Unavailable:
            raise
        except TrustError as error:
            raise _broken(error) from None


def _use(contents: TokenContents, case: Case | None) -> str:
    """Return the id of what a one-off mandate is used for: both are made here, and none is like another."""
    return contents.grant if case is None else case.id


def _broken(error: TrustError) -> OAuthRefused:
    return refused("The mandate does not hold, or not for this.", officer=f"mandate: {error.code}")
