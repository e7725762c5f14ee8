"""A department's system as the demonstration plays it: client credentials, issue, download, verify, revoke."""

import base64
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from portal.demo.world import ApiClient
from trust.kernel.errors import InternalFault

_SECONDS = 30


class CallRefused(InternalFault):
    """The service answered a call with an error; the detail is its problem document's code."""

    code = "call-refused"
    title = "The service refused the call."
    title_zh = "服务拒绝了该调用。"


class ServiceClient:
    """Calls one served application as one client; the token is fetched once."""

    def __init__(self, address: str, client: ApiClient) -> None:
        self._address = address
        self._client = client
        self._token: str | None = None

    def issue(self, body: Mapping[str, object], *, key: str) -> dict[str, Any]:
        """Issue a certificate under an idempotency key."""
        return self._json("POST", "/api/v1/certs", body, {"Idempotency-Key": key})

    def file(self, identifier: str, *, purpose: str) -> bytes:
        """Download the signed file for a purpose."""
        query = urllib.parse.urlencode({"purpose": purpose})
        return self._call("GET", f"/api/v1/certs/{identifier}/file?{query}", None, self._bearer())

    def revoke(self, identifier: str, *, reason: str, requested_by: str, approved_by: str) -> dict[str, Any]:
        """Revoke a certificate, asked for by one clerk and approved by another."""
        body = {"reason": reason, "requested_by": requested_by, "approved_by": approved_by}
        return self._json("POST", f"/api/v1/certs/{identifier}/revoke", body)

    def verify_file(self, pdf: bytes) -> dict[str, Any]:
        """Have a file verified, as anyone may."""
        boundary = f"yinxin-{secrets.token_hex(16)}"
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="certificate.pdf"\r\n'
            "Content-Type: application/pdf\r\n\r\n"
        )
        content = head.encode() + pdf + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return _parsed(self._call("POST", "/api/v1/verify", content, headers))

    def verify_identifier(self, identifier: str) -> dict[str, Any]:
        """Have an identifier verified, as anyone may."""
        content = json.dumps({"identifier": identifier}).encode()
        return _parsed(self._call("POST", "/api/v1/verify", content, {"Content-Type": "application/json"}))

    def ledger(self, path: str, **query: int) -> dict[str, Any]:
        """Ask the ledger: `checkpoint`, `entries`, `proof/inclusion`, `proof/consistency`."""
        address = f"/api/v1/ledger/{path}?{urllib.parse.urlencode(query)}"
        return _parsed(self._call("GET", address, None, self._bearer()))

    def fetch_token(self) -> str:
        """Fetch an access token with the client credentials (RFC 6749 section 4.4)."""
        basic = base64.b64encode(f"{self._client.id}:{self._client.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        answer = _parsed(self._call("POST", "/oauth/token", b"grant_type=client_credentials", headers))
        return str(answer["access_token"])

    def _bearer(self) -> dict[str, str]:
        self._token = self._token or self.fetch_token()
        return {"Authorization": f"Bearer {self._token}"}

    def _json(
        self, method: str, path: str, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        content = json.dumps(body, ensure_ascii=False).encode()
        sent = self._bearer() | {"Content-Type": "application/json"} | dict(headers or {})
        return _parsed(self._call(method, path, content, sent))

    def _call(self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]) -> bytes:
        request = urllib.request.Request(  # noqa: S310  the address is that of our own server
            self._address + path, data=content, headers=dict(headers), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise CallRefused(_code(error.read()), status=error.code) from None


def _parsed(content: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(content)
    return value


def _code(content: bytes) -> str:
    try:
        problem = json.loads(content)
        return f"{problem.get('code', problem.get('error', 'unknown'))}: {problem.get('detail', '')}"
    except ValueError:
        return "not a problem document"
