# ruff: noqa: INP001, T201  a program to copy from, no part of a package
"""A relying party in Python: Flask and Authlib. Run `python relying_party.py sandbox.json`, open the printed address.

Authlib makes state, nonce and PKCE verifier, and checks the ID token: signature, issuer, audience, times, nonce.
"""

import json
import secrets
import sys
from pathlib import Path
from urllib.parse import urlsplit

from authlib.integrations.flask_client import OAuth, OAuthError
from flask import Flask, redirect, session
from flask.typing import ResponseReturnValue

config = json.loads(Path(sys.argv[1]).read_text("utf-8"))
callback = urlsplit(config["redirect_uri"])
app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
yinxin = OAuth(app).register(
    "yinxin",
    client_id=config["client_id"],
    client_secret=config["client_secret"],
    server_metadata_url=f"{config['issuer']}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
)


@app.get("/")
def home() -> ResponseReturnValue:
    """Show who is signed in."""
    return session.get("person") or redirect("/login")


@app.get("/login")
def login() -> ResponseReturnValue:
    """Send the browser to the service."""
    return yinxin.authorize_redirect(config["redirect_uri"])


@app.get(callback.path)
def signed_in() -> ResponseReturnValue:
    """Take the answer, exchange the code, check the ID token, ask for the person's claims."""
    try:
        token = yinxin.authorize_access_token()
    except OAuthError as refusal:  # the person declined, or the answer is not to a request of this browser
        return {"error": refusal.error}, 403
    person = yinxin.userinfo(token=token)
    session["person"] = {"sub": person["sub"], "name": person["name"], "acr": token["userinfo"]["acr"]}
    return redirect("/")


if __name__ == "__main__":
    print(f"Open http://{callback.netloc}/", flush=True)
    app.run(callback.hostname, callback.port)
