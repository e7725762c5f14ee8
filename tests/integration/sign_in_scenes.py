"""Scenes of sign-in, passing and signing out, each with one request in which the service may be killed.

Each scene leads to that request, hands the runner the way to make it, and goes on after the service was killed in it
and started again: with what a person or a system would do then.
"""

from portal.demo import data, people
from tests.integration.sign_in_house import (
    ACCESS_TOKEN,
    FOOD,
    PLAIN,
    PRESENCE,
    Tokens,
    Visitor,
    called,
    exchanged,
    is_active,
    posted,
    refreshed,
)
from tests.integration.sign_in_lives import passed_by, tripped


def visitor(story, number=data.RESIDENT_NUMBER):
    return story.visitor(number)


def signed_in(story, who, **more) -> Tokens:
    """Sign in and redeem the code."""
    return story.redeem(who, who.sign_in(**more))[1]


def scene_password(story):
    who = visitor(story)
    page = who.browser.get(who.ask(PLAIN))

    def act(wanted):
        with who.browser.trip("/sign-in", wanted):
            who.password(page)
        return who.browser.passed

    yield act
    assert is_active(story.house, signed_in(story, visitor(story), scope=PLAIN).access)


def scene_consent(story):
    who = visitor(story)
    page = who.password(who.browser.get(who.ask(PLAIN, prompt="consent")))

    def act(wanted):
        with who.browser.trip("/oauth/consent", wanted):
            who.allow(page)
        return who.browser.passed

    yield act
    story.redeem(who, who.sign_in(PLAIN))  # the session is still there: nobody types a password again


def scene_code(story):
    who = visitor(story)
    code = who.sign_in(PLAIN)

    def act(wanted):
        return passed_by(story.redeem(who, code, tripped(wanted))[0])

    yield act
    _, tokens = story.redeem(who, code)  # refused when it was used up before the end
    if tokens:
        assert refreshed(story.house, tokens.refresh).status == 200


def scene_code_replayed(story):
    who = visitor(story)
    code = who.sign_in(PLAIN)
    _, tokens = story.redeem(who, code)

    def act(wanted):
        return passed_by(story.redeem(who, code, tripped(wanted))[0])

    yield act
    assert story.redeem(who, code)[1] is None
    story.ended(tokens.access)


def scene_refresh(story):
    tokens = signed_in(story, visitor(story), scope=PLAIN)

    def act(wanted):
        answer = refreshed(story.house, tokens.refresh, tripped(wanted))
        story.took(Tokens.of(answer))
        return passed_by(answer)

    yield act
    again = refreshed(story.house, tokens.refresh)
    if again.status == 200:
        story.took(Tokens.of(again))
    else:  # the next token was kept and never arrived: who comes second with the old one ends the family
        assert again.json["error"] == "invalid_grant"
        story.ended(tokens.access)


def scene_revoke(story):
    tokens = signed_in(story, visitor(story), scope=PLAIN)
    own = {"token": tokens.refresh}

    def act(wanted):
        answer = posted(story.house.door, story.house.first, "/oauth/revoke", tripped(wanted), **own)
        assert answer.status == 200
        return passed_by(answer)

    yield act
    assert posted(story.house.door, story.house.first, "/oauth/revoke", **own).status == 200
    story.ended(tokens.access)


def scene_exchange(story):
    tokens = signed_in(story, visitor(story))

    def act(wanted):
        answer = exchanged(story.house, tokens.access, tripped(wanted))
        story.passed(answer)
        return passed_by(answer)

    yield act
    assert is_active(story.house, story.passed(exchanged(story.house, tokens.access)), story.house.second)


def assisted(story):
    """Open a case and show the citizen's card; return what the counter exchanges."""
    house, token = story.house, story.clerk
    counter = house.everyone.counters[0].id
    case = called(house, "/cases", token, {"counter": counter, "matter": people.RESIDENCE_MATTER.code}).json["case"]
    card = {
        "counter": counter,
        "holder": {"kind": "111", "number": data.RESIDENT_NUMBER},
        "name": people.CITIZEN_NAME,
        "document_kind": "111",
        "document_expires": None,
        "read_by": "eye",
        "portrait_matches": True,
    }
    shown = called(house, "/presence/card", token, card).json["presence"]
    return {
        "access": shown,
        "subject_token_type": PRESENCE,
        "actor_token": token,
        "actor_token_type": ACCESS_TOKEN,
        "case": case,
        "audience": house.first.client,
    }


def scene_assisted(story):
    wish = assisted(story)

    def act(wanted):
        answer = exchanged(story.house, headers=tripped(wanted), **wish)
        story.passed(answer)
        return passed_by(answer)

    yield act
    # Not the same code again: failed presentations count, and the citizen would see them.
    story.passed(exchanged(story.house, **assisted(story)))


def scene_case_closed(story):
    wish = assisted(story)
    token = story.passed(exchanged(story.house, **wish))

    def act(wanted):
        answer = called(story.house, f"/cases/{wish['case']}/close", story.clerk, headers=tripped(wanted))
        assert answer.status == 200
        return passed_by(answer)

    yield act
    assert called(story.house, f"/cases/{wish['case']}/close", story.clerk).status == 200
    story.ended(token)


def scene_sign_out(story):
    who = visitor(story)
    tokens = signed_in(story, who)
    passed = story.passed(exchanged(story.house, tokens.access))

    def act(wanted):
        with who.browser.trip("/oauth/logout", wanted):
            who.browser.get(who.goodbye(tokens))
        return who.browser.passed

    yield act
    if is_active(story.house, tokens.access):  # it was killed before the commit: everything is as it was
        assert is_active(story.house, passed, story.house.second)
        assert refreshed(story.house, tokens.refresh).status == 200
        assert who.browser.get(who.goodbye(tokens)).url.startswith(story.house.first.goodbye)
    assert refreshed(story.house, tokens.refresh).status == 400
    assert not is_active(story.house, passed, story.house.second)
    story.ended(tokens.access, passed)


def scene_withdrawal(story):
    house, who = story.house, visitor(story, people.AGENT_NUMBER)
    mandate = story.mandates.pop()
    tokens = signed_in(story, who, matter=FOOD, represents=mandate)
    assert Visitor.claims(tokens.access)["represents"]["mandate"]["id"] == mandate
    passed = story.passed(exchanged(house, tokens.access))
    own = signed_in(story, who, scope="openid mandates", matter=FOOD, represents="").access
    path = f"/mandates/{mandate}/withdraw"

    def act(wanted):
        answer = called(house, path, own, headers=tripped(wanted))
        assert answer.status == 200, answer.body
        return passed_by(answer)

    yield act
    assert is_active(house, tokens.access) == is_active(house, passed, house.second)
    assert called(house, path, own).status == 200
    assert is_active(house, own)  # the agent's own sign-in goes on
    assert refreshed(house, tokens.refresh).status == 400
    story.ended(tokens.access, passed)


SCENES = (
    scene_password,
    scene_consent,
    scene_code,
    scene_code_replayed,
    scene_refresh,
    scene_revoke,
    scene_exchange,
    scene_assisted,
    scene_case_closed,
    scene_sign_out,
    scene_withdrawal,
)
WITH_SIGNATURE = {scene_code, scene_refresh, scene_exchange, scene_assisted}
