"""Token endpoint, key set and metadata over HTTP (RFC 6749, RFC 7517, RFC 8414)."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import Field

from sso.provider.domain import Scope
from sso.provider.endpoint import AUTHENTICATION_METHODS, FORM_MEDIA_TYPE, GRANT_TYPE, TokenEndpoint, TokenRequest
from sso.provider.keyring import KEYS_CACHE_SECONDS, Rings
from trust.http.parsing import StrictModel, described_body
from trust.http.rate import RateLimiter, client_address

TOKEN_PATH = "/oauth/token"  # noqa: S105  an address
KEYS_PATH = "/oauth/jwks.json"
METADATA_PATH = "/.well-known/oauth-authorization-server"

_TOKEN = {"access_token": "eyJ…", "token_type": "Bearer", "expires_in": 600, "scope": "certs:issue certs:read"}
_REFUSED = {"error": "invalid_client", "error_description": "The client could not be authenticated."}
_RESPONSES: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {"description": "A signed access token", "content": {"application/json": {"example": _TOKEN}}},
    400: {"description": "Refused", "content": {"application/json": {"example": _REFUSED}}},
    401: {"description": "Client not authenticated", "content": {"application/json": {"example": _REFUSED}}},
}


class TokenForm(StrictModel):
    """The form of a token request, for the API description; the endpoint reads it by the rules of RFC 6749."""

    grant_type: str = Field(description="`client_credentials`")
    scope: str | None = Field(None, description="Space-separated; all scopes of the client when absent")
    client_id: str | None = Field(None, description="Unless HTTP Basic is used")
    client_secret: str | None = Field(None, description="Unless HTTP Basic is used")


def blueprint(endpoint: TokenEndpoint, rings: Rings, limiter: RateLimiter, *, issuer: str) -> APIBlueprint:
    """Return the routes. `issuer` is the public address of the service, which is also the `iss` of its tokens."""
    routes = APIBlueprint("sso", __name__, tag="Access tokens")
    metadata = {
        "issuer": issuer,
        "token_endpoint": issuer + TOKEN_PATH,
        "jwks_uri": issuer + KEYS_PATH,
        "grant_types_supported": [GRANT_TYPE],
        "response_types_supported": [],
        "scopes_supported": [scope.value for scope in Scope],
        "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        "service_documentation": issuer + "/docs",
    }

    @routes.post(TOKEN_PATH)
    @routes.doc(
        summary="Obtain an access token",
        description=(
            "Client credentials grant (RFC 6749 section 4.4). Authenticate with HTTP Basic, or with `client_id` and "
            "`client_secret` in the form. Errors are those of RFC 6749 section 5.2."
        ),
        responses=_RESPONSES,
    )
    @described_body(TokenForm, media_type=FORM_MEDIA_TYPE, example={"grant_type": GRANT_TYPE, "scope": "certs:read"})
    def token() -> Response:
        limiter.admit(client_address())
        answer = endpoint.answer(
            TokenRequest(
                media_type=request.mimetype,
                authorization=request.headers.get("Authorization", ""),
                form=dict(request.form.lists()),
                has_query=bool(request.query_string),
            )
        )
        return Response(answer.body, status=answer.status, headers=list(answer.headers))

    @routes.get(KEYS_PATH)
    @routes.doc(summary="Keys that access tokens are checked with")
    def keys() -> Response:
        return _cached(jsonify(rings.current().document()))

    @routes.get(METADATA_PATH)
    @routes.doc(summary="Metadata of the authorization server")
    def server_metadata() -> Response:
        return _cached(jsonify(metadata))

    return routes


def _cached(response: Response) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={KEYS_CACHE_SECONDS}"
    return response
