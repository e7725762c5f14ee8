"""Back-channel logout from upstream platforms (OpenID Connect Back-Channel Logout 1.0); the pages have the rest."""

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import Field

from sso.keycloak.errors import UpstreamResponseMalformed, UpstreamTokenInvalid
from sso.keycloak.upstream import UpstreamDesk
from trust.http.parsing import StrictModel, described_body
from trust.http.rate import RateLimiter, client_address

LOGOUT_PATH = "/sso/upstream/<name>/logout"

_FORM = "application/x-www-form-urlencoded"
_REFUSED = 400


class LogoutForm(StrictModel):
    """The form of section 2.5, for the API description."""

    logout_token: str = Field(description="A signed logout token of the upstream platform")


def blueprint(desk: UpstreamDesk, limiter: RateLimiter) -> APIBlueprint:
    """Return the route; refusals are those of section 2.8."""
    routes = APIBlueprint("upstream", __name__, tag="Upstream platforms")

    @routes.post(LOGOUT_PATH)
    @routes.doc(summary="An upstream platform ended a sign-in", responses={200: "Ended", 400: "Refused"})
    @described_body(LogoutForm, media_type=_FORM, example={"logout_token": "eyJ…"})
    def upstream_logout(name: str) -> Response:
        limiter.admit(client_address())
        try:
            desk.log_out(name, _logout_token())
        except (UpstreamTokenInvalid, UpstreamResponseMalformed) as refusal:
            answer = jsonify(error="invalid_request", error_description=refusal.detail)
            answer.status_code = _REFUSED
        else:
            answer = Response(status=200)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return routes


def _logout_token() -> str:
    tokens = request.form.getlist("logout_token")
    if request.mimetype != _FORM or len(tokens) != 1:
        raise UpstreamResponseMalformed("One logout_token is expected in a form.")
    return tokens[0]
