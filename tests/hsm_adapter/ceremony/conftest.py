import pytest

from hsm_adapter.ceremony import holding
from hsm_adapter.ceremony.sitting import Hall
from tests.fakes import FixedClock
from tests.hsm_adapter.ceremony.acting import Actors, issuing_request, terms
from trust.kernel.randomness import SystemRandomness
from trust.typesetting import Typesetter


@pytest.fixture(scope="session")
def typesetter():
    return Typesetter()


@pytest.fixture(scope="session")
def request_bytes():
    return issuing_request()


@pytest.fixture
def medium(tmp_path):
    return tmp_path / "medium"


@pytest.fixture
def hall(medium, request_bytes):
    def make(actors):
        return Hall(
            folder=medium, stage=actors, clock=FixedClock(), randomness=SystemRandomness(), request=request_bytes
        )

    return make


@pytest.fixture
def held(hall, typesetter):
    """A finished ceremony: its people with their papers, and its outcome."""
    actors = Actors()
    return actors, holding.begin(hall(actors), terms(), typesetter)
