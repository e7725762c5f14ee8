"""A relying system as a department would write it, with stock parts: Flask and Authlib's client, nothing of ours.

The demonstration runs two of them, each in a process of its own: people sign in to the first; it passes their trust to
the second, which asks who is behind the token, and reads certificates with it. It is an example to copy from, which is
why it imports nothing of this service.

Run: `python -m portal.demo.relying CONFIG.json`, where the file holds the members of `Registration`.
"""

import json
import secrets
import sys
from pathlib import Path
from typing import Any, NamedTuple, cast

import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, abort, jsonify, redirect, request, session, url_for
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from werkzeug.serving import make_server

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  a name of RFC 8693
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS = 20


class Registration(NamedTuple):
    """What a system is given when it is registered, and where it listens."""

    issuer: str
    client_id: str
    client_secret: str
    port: int
    scopes: str


class Calls:
    """The calls of the trust service that a system makes with its own credentials."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._metadata = requests.get(f"{registration.issuer}/.well-known/openid-configuration", timeout=SECONDS).json()

    def introspect(self, token: str) -> dict[str, Any]:
        """Ask what a token says and whether it still holds (RFC 7662)."""
        return self._post("introspection_endpoint", {"token": token})

    def exchange(self, token: str, audience: str, **more: str) -> dict[str, Any]:
        """Exchange a person's token for one to the next system (RFC 8693)."""
        form = {
            "grant_type": EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
            **more,
        }
        return self._post("token_endpoint", form)

    def logout_claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a logout token (OIDC Back-Channel Logout 1.0 section 2.6). Raises `JoseError`."""
        keys = KeySet.import_key_set(requests.get(self._metadata["jwks_uri"], timeout=SECONDS).json())
        read = jwt.decode(token, keys, algorithms=["ES256"])
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self._registration.issuer},
            aud={"essential": True, "value": self._registration.client_id},
        )
        rules.validate(read.claims)
        if read.header.get("typ") != "logout+jwt" or LOGOUT_EVENT not in read.claims.get("events", {}):
            abort(400)
        return read.claims

    def _post(self, endpoint: str, form: dict[str, str]) -> dict[str, Any]:
        answer = requests.post(
            self._metadata[endpoint],
            data=form,
            auth=(self._registration.client_id, self._registration.client_secret),
            timeout=SECONDS,
        )
        return cast("dict[str, Any]", answer.json())


def create(registration: Registration) -> Flask:
    """Return the system as an application."""
    app = Flask("relying")
    app.secret_key = secrets.token_bytes(32)
    app.config["SESSION_COOKIE_NAME"] = f"relying-{registration.port}"
    calls = Calls(registration)
    client = OAuth(app).register(
        "yinxin",
        client_id=registration.client_id,
        client_secret=registration.client_secret,
        server_metadata_url=f"{registration.issuer}/.well-known/openid-configuration",
        client_kwargs={"scope": registration.scopes, "code_challenge_method": "S256"},
    )
    people: dict[str, dict[str, Any]] = {}  # by `sid`: signing out of the service ends them
    _add_sign_in(app, client, people)
    _add_logout(app, client, calls, people)
    _add_passing(app, registration, calls, people)
    return app


def _add_sign_in(app: Flask, client: Any, people: dict[str, dict[str, Any]]) -> None:
    @app.get("/")
    def home() -> Response:
        person = people.get(session.get("sid", ""))
        return jsonify({"signed_in": person is not None, "claims": person and person["userinfo"]})

    @app.get("/login")
    def login() -> Any:
        return client.authorize_redirect(url_for("callback", _external=True), **request.args.to_dict())

    @app.get("/callback")
    def callback() -> Any:
        token = client.authorize_access_token()  # checks state, nonce, the id_token's signature and its claims
        session["sid"] = token["userinfo"]["sid"]
        people[session["sid"]] = token
        return redirect(url_for("home"))


def _add_logout(app: Flask, client: Any, calls: Calls, people: dict[str, dict[str, Any]]) -> None:
    @app.get("/logout")
    def logout() -> Any:
        """Leave here and at the trust service (OIDC RP-Initiated Logout 1.0)."""
        token = people.pop(session.pop("sid", ""), {})
        metadata = client.load_server_metadata()
        hint = {"id_token_hint": token.get("id_token", ""), "post_logout_redirect_uri": url_for("home", _external=True)}
        return redirect(requests.Request("GET", metadata["end_session_endpoint"], params=hint).prepare().url or "/")

    @app.post("/backchannel-logout")
    def backchannel() -> Response:
        try:
            claims = calls.logout_claims(request.form["logout_token"])
        except JoseError:
            abort(400)
        people.pop(claims["sid"], None)
        return Response(status=200, headers={"Cache-Control": "no-store"})


def _add_passing(app: Flask, registration: Registration, calls: Calls, people: dict[str, dict[str, Any]]) -> None:
    @app.post("/pass")
    def pass_on() -> Any:
        """Pass a citizen on to the next system, assisted by the clerk who is signed in on this terminal."""
        clerk = people.get(session.get("sid", "")) or abort(401)
        citizen = people.get(request.form["citizen"]) or abort(404)
        wanted = {"counter": request.form["counter"], "matter": request.form["matter"]}
        case = _json(f"{registration.issuer}/api/v1/cases", clerk["access_token"], wanted)
        passed = calls.exchange(
            citizen["access_token"],
            request.form["audience"],
            actor_token=clerk["access_token"],
            actor_token_type=ACCESS_TOKEN,
            case=case["case"],
        )
        if "access_token" not in passed:
            return jsonify(passed), 502
        return jsonify(_json(request.form["address"], passed["access_token"], {}))

    @app.post("/received")
    def received() -> Any:
        """Take over a citizen: who is it, who sent them, and what does their certificate say?"""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        facts = calls.introspect(token)
        if not facts.get("active"):
            abort(401)
        people[facts["sid"]] = {"userinfo": facts, "access_token": token}
        onward = calls.exchange(token, f"{registration.issuer}/api", scope="certs:read")
        library = f"{registration.issuer}/api/v1/certs"
        found = _json(f"{library}/search", onward["access_token"], {})["certificates"]
        read = _json(f"{library}/{found[0]['identifier']}", onward["access_token"], None)
        return jsonify({"facts": facts, "certificate": read})

    @app.get("/known/<sid>")
    def known(sid: str) -> Response:
        """Say whether somebody is signed in here: signing out of the trust service ends it."""
        return jsonify({"signed_in": sid in people})


def _json(address: str, token: str, body: dict[str, Any] | None) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    if body is None:
        answer = requests.get(address, headers=headers, timeout=SECONDS)
    else:
        answer = requests.post(address, json=body, headers=headers, timeout=SECONDS)
    answer.raise_for_status()
    return cast("dict[str, Any]", answer.json())


def main() -> None:
    """Serve the system whose configuration file is the one argument."""
    registration = Registration(**json.loads(Path(sys.argv[1]).read_text("utf-8")))
    make_server("127.0.0.1", registration.port, create(registration), threaded=True).serve_forever()


if __name__ == "__main__":
    main()
