"""Two at once: the database decides, exactly one wins, and whoever replays ends what was won."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sso.provider.domain import Registered
from sso.provider.errors import AuthorizationExpired, AuthorizationUnusable
from sso.provider.messages import FORM_MEDIA_TYPE, FormRequest
from tests.sso.databases import BOTH_DATABASES
from tests.sso.provider.journey import (
    REDIRECT,
    SCOPES,
    VERIFIER,
    granted,
    parameters,
    session,
    signed_in,
)
from tests.sso.provider.support import House

AT_ONCE = 4
ROUNDS = 5

pytestmark = BOTH_DATABASES


def together(work: Callable[[], object]) -> list[object]:
    barrier = Barrier(AT_ONCE)

    def run() -> object:
        barrier.wait(timeout=10)
        return work()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(AT_ONCE)]]


def ask(house: House, who: Registered, **form: str) -> Callable[[], int]:
    fields = {"client_id": who.client.id, "client_secret": who.secret, **form}
    request = FormRequest(
        media_type=FORM_MEDIA_TYPE,
        authorization="",
        form={name: [value] for name, value in fields.items()},
        has_query=False,
    )
    return lambda: house.endpoint.answer(request).status


def test_a_code_is_redeemed_by_exactly_one(house: House, who: Registered) -> None:
    for _ in range(ROUNDS):
        code = granted(house, who.client.id)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
        assert sorted(map(str, together(ask(house, who, **form)))) == ["200", *["400"] * (AT_ONCE - 1)]


def test_a_refresh_token_is_rotated_by_exactly_one_at_most(house: House, who: Registered) -> None:
    for _ in range(ROUNDS):
        token = signed_in(house, who, scope=SCOPES)["refresh_token"]
        statuses = together(ask(house, who, grant_type="refresh_token", refresh_token=token))
        assert statuses.count(200) == 1
        assert statuses.count(400) == AT_ONCE - 1


def test_an_approval_is_given_by_exactly_one_click(house: House, who: Registered) -> None:
    for _ in range(ROUNDS):
        pending = house.desk.open(parameters(who.client.id))
        house.desk.need(pending, session(house))

        def click(pending=pending) -> bool:
            try:
                house.desk.approve(pending, session(house))
            except AuthorizationExpired:
                return False
            return True

        assert together(click).count(True) == 1


def test_a_pushed_request_is_taken_by_exactly_one_browser(house: House, who: Registered) -> None:
    for _ in range(ROUNDS):
        form = {name: list(values) for name, values in parameters(who.client.id).items()}
        form |= {"client_secret": [who.secret]}
        request = FormRequest(media_type=FORM_MEDIA_TYPE, authorization="", form=form, has_query=False)
        body = house.parts.par.answer(request).body.decode()
        reference = body.split('"request_uri":"')[1].split('"')[0]

        def open_it(reference=reference) -> bool:
            try:
                house.desk.open({"client_id": [who.client.id], "request_uri": [reference]})
            except AuthorizationUnusable:
                return False
            return True

        assert together(open_it).count(True) == 1
