"""Hops of many threads share commits, and each has an outcome of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from sso.passing.gathering import MAX_ITEMS, Gathering
from sso.provider.oauth_errors import OAuthRefused
from tests.sso.databases import BOTH_DATABASES


def test_threads_that_come_meanwhile_share_the_next_commit():
    entered, go, batches = threading.Event(), threading.Event(), []

    def commit(items):
        batches.append(len(items))
        if len(batches) == 1:
            entered.set()
            go.wait(10)
        return [item * 2 for item in items]

    gathering = Gathering(commit)
    with ThreadPoolExecutor(MAX_ITEMS + 50) as pool:
        first = pool.submit(gathering.submit, 0)
        entered.wait(10)
        others = [pool.submit(gathering.submit, number) for number in range(1, MAX_ITEMS + 41)]
        while len(gathering._waiting) < MAX_ITEMS + 40:
            threading.Event().wait(0.001)
        go.set()
        assert first.result(10) == 0
        assert [each.result(10) for each in others] == [number * 2 for number in range(1, MAX_ITEMS + 41)]
    assert batches == [1, MAX_ITEMS, 40]


def test_a_failing_commit_fails_each_of_its_callers_and_the_next_goes_on():
    fail = [True]

    def commit(items):
        if fail.pop() if fail else False:
            raise RuntimeError
        return items

    gathering = Gathering(commit)
    with pytest.raises(RuntimeError):
        gathering.submit(1)
    assert gathering.submit(2) == 2


@BOTH_DATABASES
def test_of_many_who_present_one_code_exactly_one_gets_a_token(world):
    code, case, actor = world.qr(), world.open_case(), world.clerk_token()

    def attempt(_):
        try:
            return world.assisted(case, subject_token=code, actor_token=actor)
        except OAuthRefused as error:
            return error.error

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(8)))
    assert results.count("invalid_request") == 7
    assert len([row for row in world.log.of(world.citizen.id) if row.kind == "hop"]) == 1


@BOTH_DATABASES
def test_of_two_citizens_who_enter_one_case_at_once_one_does(world):
    case, actor = world.open_case(), world.clerk_token()
    neighbours = [world.citizen, *(world.person(world.company.code, f"邻居{n}") for n in range(3))]
    codes = [world.qr(person) for person in neighbours]

    def attempt(code):
        try:
            return world.assisted(case, subject_token=code, actor_token=actor)
        except OAuthRefused:
            return None

    with ThreadPoolExecutor(4) as pool:
        assert len([token for token in pool.map(attempt, codes) if token]) == 1
