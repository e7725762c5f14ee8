"""Random sequences of exchanges: nothing is ever widened, outlived or dropped."""

from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws

from sso.passing.domain import MAX_DEPTH
from sso.provider.oauth_errors import OAuthRefused
from tests.sso.passing.support import World

SCOPES = ("openid", "profile", "certs:read", "identity", "counter:assist")
STEP = st.fixed_dictionaries(
    {
        "by": st.sampled_from(["holder", "holder", "holder", "portal", "hall", "next", "last"]),
        "to": st.integers(0, 9) | st.sampled_from(["portal", "hall", "next", "last", "api"]),
        "scope": st.none() | st.none() | st.lists(st.sampled_from(SCOPES), min_size=1, unique=True).map(" ".join),
        "at_counter": st.booleans(),
        "seconds": st.integers(0, 200),
        "from_latest": st.sampled_from([True, True, True, False]),
    }
)
PARAMETERS = (
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "audience",
    "resource",
    "scope",
    "case",
    "requested_token_type",
    "nonsense",
)
KNOWN_ERRORS = {"invalid_request", "invalid_target", "invalid_scope", "unauthorized_client"}


def acts(contents):
    found, act = [], contents.act
    while act is not None:
        found.append(act)
        act = act.get("act")
    return found


def holder(world: World, token: str):
    """Return the system that a token is addressed to; the portal when it is the certificate API."""
    audience = jws.extract_compact(token.encode()).payload.decode()
    systems = (world.hall, world.next, world.last)
    return next((each for each in systems if f'"aud":"{each.relying.resource}"' in audience), world.portal)


def named(world: World, client, to: int | str) -> str:
    """Return a target by name, or by number one of those that the client is registered for."""
    if isinstance(to, int):
        allowed = sorted(client.relying.pass_to)
        return allowed[to % len(allowed)]
    return "api" if to == "api" else getattr(world, to).id


def run(world: World, steps) -> int:
    case = world.open_case()
    tokens = [world.matter_token(world.citizen, world.portal, seconds=1200)]
    for step in steps:
        world.clock.advance(seconds=step["seconds"])
        client = holder(world, tokens[-1]) if step["by"] == "holder" else getattr(world, step["by"])
        target = named(world, client, step["to"])
        form = {"subject_token": tokens[-1] if step["from_latest"] else tokens[0], "scope": step["scope"]}
        if step["at_counter"]:
            form |= {"actor_token": world.clerk_token(client=client), "case": case.id}
        try:
            answer = world.exchange(client, audience=target, **form)
        except OAuthRefused as error:
            assert error.error in KNOWN_ERRORS  # noqa: PT017  both outcomes are right, each has its rule
            continue
        check(world, form["subject_token"], answer, client, target)
        tokens.append(answer["access_token"])
    return len(tokens)


def check(world: World, before: str, answer, client, target) -> None:
    old, new = world.read(before), world.read(answer["access_token"])
    assert new.contents.scopes <= old.contents.scopes
    assert "counter:assist" not in new.contents.scopes
    assert new.contents.types <= old.contents.types
    assert new.contents.matter == old.contents.matter
    assert new.contents.person == old.contents.person
    assert new.expires_at <= old.expires_at
    assert old.contents.ties <= new.contents.ties
    assert acts(new.contents)[1:] == acts(old.contents)
    assert new.contents.act["sub"] == client.id
    assert new.contents.depth == old.contents.depth + 1 == len(acts(new.contents)) <= MAX_DEPTH
    assert target in client.relying.pass_to
    assert old.contents.case is None or new.contents.case == old.contents.case
    assert world.hops.find(new.contents.hop).link == new.contents.act["pass"]["link"]
    world.log.check(new.contents.hop)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEP, min_size=1, max_size=8))
def test_no_sequence_of_exchanges_widens_outlives_or_drops(tmp_path_factory, steps):
    run(_shared(tmp_path_factory), steps)


def test_the_longest_way_is_really_walked(world):
    way = [("portal", "hall"), ("hall", "next"), ("next", "last"), ("last", "api")]
    facts = {"scope": None, "at_counter": False, "seconds": 1, "from_latest": True}
    assert run(world, [{"by": by, "to": to, **facts} for by, to in way]) == MAX_DEPTH + 1


@settings(max_examples=100, deadline=None)
@given(
    form=st.dictionaries(
        st.sampled_from(PARAMETERS),
        st.text(max_size=40)
        | st.sampled_from(
            [
                "urn:ietf:params:oauth:token-type:access_token",
                "urn:yinxin:params:oauth:token-type:presence",
                "api",
                "openid",
            ]
        ),
    )
)
def test_no_form_is_answered_by_anything_but_a_named_refusal(tmp_path_factory, form):
    world = _shared(tmp_path_factory)
    try:
        world.grant.answer(world.portal, form, confirmation=None)
    except OAuthRefused as error:
        assert error.error in KNOWN_ERRORS  # noqa: PT017  every form is refused, by one of these names
    else:
        raise AssertionError(form)


_WORLDS: list[World] = []


def _shared(factory) -> World:
    """Return one world for all examples: each begins with a sign-in and a case of its own."""
    if not _WORLDS:
        _WORLDS.append(World(factory.mktemp("forms")))
    return _WORLDS[0]


def teardown_module() -> None:
    for world in _WORLDS:
        world.close()
    _WORLDS.clear()
