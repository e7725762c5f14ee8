"""Kill -9 at any moment of sign-in, passing and signing out: no revocation is lost, no half-made grant stays."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest

from portal.demo import data, people
from portal.wiring import open_installation
from tests.integration.sign_in_house import PASSING, Tokens, exchanged, refreshed, settle
from tests.integration.sign_in_lives import GONE, Lives, ServedLives
from tests.integration.sign_in_scenes import SCENES, WITH_SIGNATURE, signed_in, visitor
from tests.integration.sign_in_story import Story, check
from tests.interop.relying.listener import listening
from trust.config import load_settings

pytestmark = pytest.mark.integration

SEED = 6749
MANDATES = 8  # one for each kill in a withdrawal, and some
MOMENTS = 15
SERVED_MOMENTS = 2  # starting its processes takes seconds
LIFE_SECONDS = 0.8  # from the first whole journey: one or two more of each person
CITIZENS = (data.RESIDENT_NUMBER, people.REPRESENTATIVE_NUMBER, people.AGENT_NUMBER)


@pytest.fixture
def listener():
    with listening() as found:
        yield found


@pytest.fixture
def house(own, listener):
    own |= {"sign_in_rate_per_minute": 100_000, "person_token_seconds": 3600}
    with closing(open_installation(load_settings(**own))) as installation:
        return settle(installation, listener, mandates=MANDATES)


@pytest.fixture
def lives(own, house, tmp_path):
    made = Lives(own, tmp_path / "lives.log")
    yield made
    made.close()


@pytest.fixture
def story(lives, house):
    """The outside world, with a clerk who is signed in; the first life has begun."""
    lives.start()
    made = Story(house)
    clerk = visitor(made, people.CLERK_NUMBER)
    made.clerk = signed_in(made, clerk, scope="openid counter:assist").access
    made.mandates = list(house.mandates)
    yield made
    made.close()


def test_every_boundary_of_every_step(lives, story, listener):
    count = 0
    for scene in SCENES:
        boundaries = played(scene(story), "record")
        assert {"before commit", "after commit", "before answer"} <= set(boundaries), scene.__name__
        assert ("before sign" in boundaries) == (scene in WITH_SIGNATURE), scene.__name__
        print(scene.__name__, boundaries)
        for number in range(len(boundaries)):
            running = scene(story)
            act = next(running)
            with pytest.raises(GONE):
                act(number)
            lives.ended()
            lives.start()
            next(running, None)
        count += len(boundaries)
    print(count, "kills")
    check(lives, story, listener)


def played(running, wanted):
    boundaries = next(running)(wanted)
    next(running, None)
    return boundaries


def test_every_boundary_of_a_notice(lives, story, listener):
    """The notice is sent again rather than not at all: it may arrive twice, under another name (`jti`)."""
    lives.restart(notices=False)
    boundaries, number = None, 0
    while boundaries is None or number < len(boundaries):
        who = visitor(story)
        tokens = signed_in(story, who)
        passed = story.passed(exchanged(story.house, tokens.access))
        who.browser.get(who.goodbye(tokens))
        story.ended(tokens.access, passed)
        if boundaries is None:
            lives.restart(delivery="record")
            boundaries = lives.until("passed")[-1].split()[1].split(",")
            lives.restart(notices=False)
            continue
        lives.restart(delivery=number)
        lives.ended()
        lives.start(notices=False)
        number += 1
    assert {"before-sign", "after-record", "before-post", "after-post", "before-commit"} <= set(boundaries)
    print(number, "kills", boundaries)
    check(lives, story, listener)


@pytest.fixture
def served_lives(own, house, tmp_path):
    made = ServedLives(own, tmp_path / "served.log")
    yield made
    made.close()


def journeys(story, number):
    """Sign in, redeem, refresh, pass on and sign out, again and again, until the service is gone."""
    with suppress(*GONE):
        while True:
            who = story.visitor(number)
            code = who.sign_in(PASSING, prompt="consent")
            story.wait(code, who)
            _, first = story.redeem(who, code)
            story.waiting.pop(code)
            second = story.took(Tokens.of(refreshed(story.house, first.refresh)))
            passed = story.passed(exchanged(story.house, second.access))
            assert who.browser.get(who.goodbye(first)).url.startswith(story.house.first.goodbye)
            story.ended(first.access, second.access, passed)


def lived(lives, story, seconds):
    """Let one life serve everybody, and kill it so long after its first whole journey."""
    for code, who in list(story.waiting.items()):
        del story.waiting[code]
        story.redeem(who, code)
    before = len(story.over)
    with ThreadPoolExecutor(len(CITIZENS)) as pool:
        running = [pool.submit(journeys, story, number) for number in CITIZENS]
        try:
            while len(story.over) == before:
                time.sleep(0.01)
                assert not any(each.done() for each in running), [each.exception() for each in running if each.done()]
            time.sleep(seconds)
        finally:  # a journey ends with the life alone: without this, a failure would wait for the others for ever
            lives.kill()
    for each in running:
        each.result()


def lived_at_random(lives, story, moments):
    choice = random.Random(SEED)  # noqa: S311  a reproducible choice, not a secret
    drawn = [choice.uniform(0, LIFE_SECONDS) for _ in range(moments)]
    print(f"seed {SEED}:", ", ".join(f"{seconds:.4f} s" for seconds in drawn))
    for seconds in drawn:
        lives.start()
        lived(lives, story, seconds)
    print(f"{story.redeemed.total()} sign-ins, {len(story.over)} tokens ended")


@pytest.fixture
def crowd(house):
    """The outside world before anything happened in it."""
    made = Story(house)
    yield made
    made.close()


def test_random_moments(lives, crowd, listener):
    lived_at_random(lives, crowd, MOMENTS)
    check(lives, crowd, listener)


def test_random_moments_of_the_served_processes(served_lives, crowd, listener):
    """As an operator starts it: a parent and two processes that answer, each of which another may replace."""
    lived_at_random(served_lives, crowd, SERVED_MOMENTS)
    check(served_lives, crowd, listener)
