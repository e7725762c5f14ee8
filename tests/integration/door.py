"""Plain HTTP as any caller speaks it: what is sent is exactly what a test says, and answers are shown raw."""

import base64
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPMessage
from urllib.parse import urlsplit

from portal.demo.world import ApiClient

_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def media_type(self) -> str:
        return self.headers.get_content_type()


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; `bearer` names the token to send with it (a key of the desk's tokens), or is None."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    bearer: str | None = None


class Door:
    """Sends requests to one served application."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=_SECONDS)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            got = connection.getresponse()
            return Answer(status=got.status, headers=got.headers, body=got.read())
        finally:
            connection.close()

    def token(self, client: ApiClient) -> str:
        """Fetch a token."""
        answer = self.ask(
            "POST", "/oauth/token", b"grant_type=client_credentials", basic(client.id, client.secret) | FORM
        )
        assert answer.status == 200, answer.body
        return answer.json["access_token"]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def basic(name: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def multipart(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a form; each part is its name, its file name or None, and its content."""
    boundary = "yinxin-test-boundary"
    body = b""
    for name, filename, content in parts:
        disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
        body += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}
