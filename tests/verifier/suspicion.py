"""One verifier that must never be taken in, and what it says of a file."""

from functools import cache

from tests.fakes import FixedClock
from tests.verifier import world
from trust.kernel.errors import MalformedInput, TooLarge
from verifier.api import Verifier
from verifier.report import Verdict

VERIFIER = Verifier(world.Trust(), FixedClock(), world.Library())


def code_of(pdf):
    """The code that a file earns; a report that is VALID fails the test on the spot."""
    try:
        report = VERIFIER.verify_file(pdf)
    except (MalformedInput, TooLarge) as refusal:
        return refusal.code
    assert report.verdict is not Verdict.VALID
    assert report.facts is None, "nothing of an attacked file may be shown as fact"
    return report.code


@cache
def plain():
    """A stamped file whose objects all stand in the open, so that a test can find them."""
    return world.stamped(object_streams=False)
