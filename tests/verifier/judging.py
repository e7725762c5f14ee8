"""How the tests of one cause at a time ask the verifier."""

from datetime import timedelta

from tests.fakes import FixedClock
from tests.verifier import world
from verifier.api import Verifier
from verifier.ports import TrustMaterial

DAY = timedelta(days=1)


def judge(pdf, *, trust=None, clock=None, library="default"):
    status = world.Library() if library == "default" else library
    return Verifier(world.Trust(trust), clock or FixedClock(), status).verify_file(pdf)


def outcome(report):
    return report.verdict, report.code


def step(report, wanted):
    return next(result.code for result in report.steps if result.step is wanted)


def with_crls(*crls):
    return TrustMaterial(roots=world.material().roots, intermediates=world.material().intermediates, crls=crls)
