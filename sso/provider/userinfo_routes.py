"""The userinfo endpoint over HTTP (OIDC core section 5.3, RFC 6750, RFC 9449 section 7)."""

from http import HTTPStatus
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify

from sso.provider.claims import TokenReader
from sso.provider.domain import Scope
from sso.provider.metadata import USERINFO_PATH
from sso.provider.oauth_errors import OAuthRefused
from sso.provider.userinfo import UserInfo
from trust.http.access import PERSON_ATTRIBUTE, SCOPE_ATTRIBUTE, ProofChecker, check_possession, presented_token

_CLAIMS = {"sub": "k3J…", "ial": "urn:yinxin:ial:3", "name": "张三"}
_RESPONSES: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "The claims", "content": {"application/json": {"example": _CLAIMS}}},
    401: {"description": "No living token, or no proof of its key"},
    403: {"description": "The token lacks the scope openid"},
}


def blueprint(userinfo: UserInfo, reader: TokenReader, proofs: ProofChecker) -> APIBlueprint:
    """Return the routes; the token is a person's, in the header only, with its proof when it is bound to a key."""
    routes = APIBlueprint("userinfo", __name__, tag="Sign-in")

    @routes.route(USERINFO_PATH, methods=["GET", "POST"])
    @routes.doc(
        summary="Who signed in",
        description="Claims by the scopes of the access token: `profile` the name, `identity` the number in full.",
        responses=_RESPONSES,
    )
    def claims() -> Response:
        presented = presented_token()
        token = reader.read(presented.token)
        check_possession(presented, token.contents.confirmation, proofs)
        try:
            answer = jsonify(userinfo.claims(token))
        except OAuthRefused as refused:
            answer = _refusal(refused)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    setattr(claims, SCOPE_ATTRIBUTE, Scope.OPENID.value)
    setattr(claims, PERSON_ATTRIBUTE, True)
    return routes


def _refusal(refused: OAuthRefused) -> Response:
    """Answer as RFC 6750 section 3.1 does: the error in the challenge, and in the body for people."""
    answer = jsonify({"error": refused.error, "error_description": refused.description})
    answer.status_code = HTTPStatus(refused.status)
    answer.headers["WWW-Authenticate"] = f'Bearer realm="yinxin", error="{refused.error}", scope="openid"'
    return answer
