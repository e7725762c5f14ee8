"""The demonstration goes on: an agent signs in once, is passed at a counter to a second system, and signs out of both.

9 two relying systems in processes of their own · 10 a clerk and a legal representative sign in to the first · 11 the
first passes the citizen to the second, which reads one certificate for one purpose · 12 the person sees who looked ·
13 signing out reaches both systems.
"""

import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyotp

from portal.demo import data, people
from portal.demo.browser import Browser, Page
from portal.demo.failure import DemonstrationFailed
from portal.demo.people import Installed, People
from portal.demo.relying import Registration
from portal.demo.server import free_port
from portal.wiring import Installation
from sso.provider.domain import RelyingSystem
from sso.signin.desk import SecondFactorNeeded
from sso.signin.devices import Device
from trust.config import child_environment
from trust.kernel.encoding import base64url

Step = Callable[[str, str, str], AbstractContextManager[Callable[[str], None]]]

_DEVICE: Final = Device(address="127.0.0.1", label="demonstration")
_WAIT_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.1
_PASSWORD_BYTES: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a person signs in with: the password, and the secret of their authenticator app if they have one."""

    number: str
    password: str
    app: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is registered before the service is started."""

    people: People
    citizen: Keys
    clerk: Keys
    first: Registration
    second: Registration


def set_the_stage(installation: Installation, issuer: str) -> Stage:
    """Register two systems, the people of the demonstration and their credentials."""
    second = _register(installation, issuer, "演示市市场监管许可系统", "openid profile certs:read", pass_to={"api"})
    first = _register(
        installation,
        issuer,
        "演示市政务服务中心综合窗口",
        "openid profile certs:read counter:assist",
        pass_to={second.client_id},
    )
    everyone = people.populate(
        Installed(
            persons=installation.people.register, registers=installation.registers, clock=installation.foundation.clock
        ),
        systems=(first.client_id, second.client_id),
    )
    return Stage(
        people=everyone,
        citizen=_keys(installation, everyone.representative.id, people.REPRESENTATIVE_NUMBER, app=False),
        clerk=_keys(installation, everyone.clerk.person, people.CLERK_NUMBER, app=True),
        first=first,
        second=second,
    )


def _register(installation: Installation, issuer: str, label: str, scopes: str, *, pass_to: set[str]) -> Registration:
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    registered = installation.clients.register_relying(
        label=label,
        authority=data.AUTHORITY,
        scopes=scopes,
        relying=RelyingSystem(
            redirect_uris=(f"{here}/callback",),
            post_logout_redirect_uris=(f"{here}/",),
            backchannel_logout_uri=f"{here}/backchannel-logout",
            resource=f"{here}/api",
            pass_to=frozenset(pass_to),
            matters=frozenset({people.FOOD_MATTER.code}),
            types=frozenset({data.FOOD_LICENCE}),
            contact="demo@example.org",
        ),
    )
    return Registration(
        issuer=issuer,
        client_id=registered.client.id,
        client_secret=registered.secret,
        port=port,
        scopes="openid profile certs:read",
    )


def _keys(installation: Installation, person: str, number: str, *, app: bool) -> Keys:
    """Give a person a password and, on wish, an authenticator app, as they would on their security page."""
    desk = installation.people.sign_ins
    password = base64url(installation.foundation.randomness.token(_PASSWORD_BYTES))
    desk.enrol_password(person, password)
    if not app:
        return Keys(number=number, password=password)
    signed_in = desk.with_password(people.resident(number), password, _DEVICE)
    if isinstance(signed_in, SecondFactorNeeded):
        raise DemonstrationFailed("A new account asks for a second factor.")
    secret = desk.enrol_totp(signed_in.session).secret
    # The code of the last half minute: each is good once, and the present one is needed for signing in.
    earlier = installation.foundation.clock.now() - timedelta(seconds=30)
    desk.confirm_totp(signed_in.session, pyotp.TOTP(secret).at(earlier), _DEVICE)
    return Keys(number=number, password=password, app=secret)


def run_sso(step: Step, stage: Stage, folder: Path) -> dict[str, Any]:
    """Play the second half against the served application. Raises `DemonstrationFailed`, `PageUnusable`."""
    with step("systems", "启动两个业务系统", "Two relying systems start in processes of their own") as say:
        systems = _systems(stage, folder)
        first, second = systems.__enter__()
        say(f"{first}, {second}")
    try:
        return _passing(step, stage, first, second)
    finally:
        systems.__exit__(None, None, None)


def _passing(step: Step, stage: Stage, first: str, second: str) -> dict[str, Any]:
    clerk, citizen = Browser(), Browser()
    with step("clerk", "窗口人员登录（密码加动态验证码）", "The clerk signs in, by password and one-time code") as say:
        _sign_in(clerk, f"{first}/login?scope=openid+counter:assist", stage.clerk)
        say(_claims(clerk.get(f"{first}/"))["acr"])
    with step("sign-in", "法定代表人登录第一个系统并授权", "A legal representative signs in and consents") as say:
        address = f"{first}/login?matter={people.FOOD_MATTER.code}"
        _sign_in(citizen, address, stage.citizen, represents=stage.people.representation.id)
        claims = _claims(citizen.get(f"{first}/"))
        say(f"sub {claims['sub']}")
    with step("pass", "窗口将信任传递到第二个系统并读取证照", "The counter passes the trust on") as say:
        passed = _passed(clerk, stage, first, second, claims["sid"])
        facts, certificate = passed["facts"], passed["certificate"]
        say(f"{certificate['type_name_zh']} {certificate['identifier']}")
    with step("who-looked", "本人查看谁看过", "The person sees who looked, and why") as say:
        log = _access_log(citizen, stage)
        say(f"{len(log)} rows")
    with step("sign-out", "退出一次，两个系统同时退出", "Signing out once reaches both systems") as say:
        _sign_out(citizen, first, second, claims["sid"], facts["sid"])
        say("both systems forgot the person")
    return {"issuer": stage.first.issuer, "sub": claims["sub"], "act": facts["act"], "access_log": log}


def _sign_in(browser: Browser, address: str, keys: Keys, *, represents: str | None = None) -> None:
    page = browser.get(address)
    page = browser.submit(page, {"number": keys.number, "kind": "111", "password": keys.password})
    if keys.app is not None:
        page = browser.submit(page, {"code": pyotp.TOTP(keys.app).now()})
    page = browser.submit(page, {"decision": "allow"} | ({} if represents is None else {"represents": represents}))
    if json.loads(page.text).get("signed_in") is not True:
        raise DemonstrationFailed(f"Signing in ended at {urllib.parse.urlsplit(page.url).path}.")


def _claims(page: Page) -> dict[str, Any]:
    claims: dict[str, Any] = json.loads(page.text)["claims"]
    return claims


def _passed(clerk: Browser, stage: Stage, first: str, second: str, citizen: str) -> dict[str, Any]:
    page = clerk.send(
        f"{first}/pass",
        {
            "citizen": citizen,
            "counter": stage.people.counters[0].id,
            "matter": people.FOOD_MATTER.code,
            "audience": stage.second.client_id,
            "address": f"{second}/received",
        },
    )
    passed: dict[str, Any] = json.loads(page.text)
    if "certificate" not in passed:
        raise DemonstrationFailed(f"The trust was not passed on: {passed.get('error', page.status)}.")
    return passed


def _access_log(citizen: Browser, stage: Stage) -> list[dict[str, Any]]:
    """Return what the person takes away from the page Who looked, oldest row first, their own looks left out."""
    page = citizen.get(f"{stage.first.issuer}/my/looks/export?as={stage.people.representation.id}")
    rows: list[dict[str, Any]] = json.loads(page.text)["rows"]
    others = [row for row in rows if row["kind"] != "own"][::-1]
    kinds = {row["kind"] for row in others}
    if not kinds >= {"hop", "read"}:
        raise DemonstrationFailed(f"The access log of the person has only {', '.join(sorted(kinds)) or 'nothing'}.")
    return others


def _sign_out(citizen: Browser, first: str, second: str, sid: str, passed_sid: str) -> None:
    citizen.get(f"{first}/logout")
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        if not (_is_known(first, sid) or _is_known(second, passed_sid)):
            return
        time.sleep(_POLL_SECONDS)
    raise DemonstrationFailed(f"A system still knew the person {_WAIT_SECONDS:g} s after the sign-out.")


def _is_known(system: str, sid: str) -> bool:
    with urllib.request.urlopen(f"{system}/known/{sid}", timeout=10) as answer:  # noqa: S310  our own process
        return bool(json.loads(answer.read())["signed_in"])


@contextmanager
def _systems(stage: Stage, folder: Path) -> Iterator[tuple[str, str]]:
    """Run both systems while the block runs; their secrets reach them in files that only we can read."""
    processes = [_start(registration, folder) for registration in (stage.first, stage.second)]
    addresses = tuple(f"http://127.0.0.1:{registration.port}" for registration in (stage.first, stage.second))
    try:
        for process, address in zip(processes, addresses, strict=True):
            _await(process, address)
        yield addresses[0], addresses[1]
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def _start(registration: Registration, folder: Path) -> subprocess.Popen[bytes]:
    file = folder / f"relying-{registration.port}.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(registration._asdict()), "utf-8")
    with (folder / f"relying-{registration.port}.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603  our own module, and a file that we wrote
            [sys.executable, "-m", "portal.demo.relying", str(file)],
            env=child_environment({}) | {"AUTHLIB_INSECURE_TRANSPORT": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def _await(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310  our own process
                return
        except OSError:
            time.sleep(_POLL_SECONDS)
    raise DemonstrationFailed(f"The system at {address} did not start.")
