"""Our endpoints under the addresses that a Keycloak realm has, for clients that know Keycloak only.

A map of paths, and the realm's document (its public key). One address is more than a map: Keycloak's own logout takes
a refresh token, which is given back here (RFC 7009): the form's field and the answer's status have to be translated.
"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from joserfc.jwk import ECKey
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

REALM = "gov"
_SECONDS = 30
_OPENID = f"/realms/{REALM}/protocol/openid-connect"
_KEYS = "/oauth/jwks.json"
_LOGOUT = f"{_OPENID}/logout"
_PATHS = {
    f"/realms/{REALM}/.well-known/openid-configuration": "/.well-known/openid-configuration",
    f"{_OPENID}/token": "/oauth/token",
    f"{_OPENID}/userinfo": "/oauth/userinfo",
    f"{_OPENID}/certs": _KEYS,
    f"{_OPENID}/token/introspect": "/oauth/introspect",
}
_SENT = ("Authorization", "Content-Type", "Accept")

Started = Callable[..., Any]


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


class Facade:
    """A WSGI application before the provider."""

    def __init__(self, issuer: str) -> None:
        self._host = urlsplit(issuer).netloc

    def __call__(self, environ: dict[str, Any], start: Started) -> Iterable[bytes]:
        request = Request(environ)
        if request.path == f"/realms/{REALM}":
            return self._realm()(environ, start)
        if request.path == _LOGOUT:
            return self._left(request)(environ, start)
        path = _PATHS.get(request.path)
        answer = Response(status=404) if path is None else self._passed(request, path, request.get_data())
        return answer(environ, start)

    def _left(self, request: Request) -> Response:
        form = request.form.to_dict()
        form["token"] = form.pop("refresh_token")
        answer = self._passed(request, "/oauth/revoke", urlencode(form).encode())
        return Response(status=204) if answer.status_code == 200 else answer

    def _passed(self, request: Request, path: str, body: bytes) -> Response:
        headers = {name: request.headers[name] for name in _SENT if name in request.headers}
        status, content = self._ask(request.method, path, body, headers)
        return Response(content, status=status, content_type="application/json")

    def _realm(self) -> Response:
        _, content = self._ask("GET", _KEYS, b"", {})
        pem = ECKey.import_key(json.loads(content)["keys"][0]).as_pem(private=False).decode()
        public = "".join(pem.splitlines()[1:-1])
        return Response(json.dumps({"realm": REALM, "public_key": public}), content_type="application/json")

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = HTTPConnection(self._host, timeout=_SECONDS)
        try:
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def before(issuer: str) -> Iterator[str]:
    """Serve the facade while the block runs; yields its address."""
    server = make_server("127.0.0.1", 0, Facade(issuer), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
