"""The endpoints of the provider over HTTP, but those that are pages (authorization and logout)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import Field

from sso.provider import metadata as places
from sso.provider.endpoint import TokenEndpoint
from sso.provider.introspect import Introspection
from sso.provider.keyring import KEYS_CACHE_SECONDS, SM2_ALGORITHM, Rings
from sso.provider.messages import FORM_MEDIA_TYPE, FormRequest, JsonAnswer
from sso.provider.par import PushedRequests
from sso.provider.revoke import Revocation
from trust.http.access import PROOF_HEADER
from trust.http.parsing import StrictModel, described_body
from trust.http.rate import RateLimiter, client_address

_TOKEN = {"access_token": "eyJ…", "token_type": "Bearer", "expires_in": 600, "scope": "certs:issue certs:read"}
_PUSHED = {"request_uri": "urn:ietf:params:oauth:request_uri:…", "expires_in": 60}
_REFUSED = {"error": "invalid_client", "error_description": "The client could not be authenticated."}
_AUTHENTICATE = (
    "Authenticate with HTTP Basic, with `client_id` and `client_secret` in the form, or with `client_assertion` "
    "(private_key_jwt); public clients name themselves by `client_id`. Errors are those of RFC 6749 section 5.2."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderParts:
    """What the routes hand requests to. `issuer` is the public address of the service, the `iss` of its tokens."""

    issuer: str
    token: TokenEndpoint
    par: PushedRequests
    introspection: Introspection
    revocation: Revocation
    rings: Rings
    limiter: RateLimiter


class ClientForm(StrictModel):
    """How a client proves itself in a form; the endpoints read it by the rules of the RFCs."""

    client_id: str | None = Field(None, description="Unless HTTP Basic is used")
    client_secret: str | None = Field(None, description="Unless HTTP Basic or an assertion is used")
    client_assertion_type: str | None = Field(
        None, description="`urn:ietf:params:oauth:client-assertion-type:jwt-bearer`"
    )
    client_assertion: str | None = Field(None, description="A JWT of the client (RFC 7523)")


class TokenForm(ClientForm):
    """The form of a token request, for the API description."""

    grant_type: str = Field(description="`authorization_code`, `refresh_token`, `client_credentials`, or an exchange")
    scope: str | None = Field(None, description="Space-separated; everything that was granted when absent")
    code: str | None = Field(None, description="Of `authorization_code`")
    redirect_uri: str | None = Field(None, description="Of `authorization_code`: as in the authorization request")
    code_verifier: str | None = Field(None, description="Of `authorization_code`: PKCE (RFC 7636), S256")
    refresh_token: str | None = Field(None, description="Of `refresh_token`; used once, the answer has the next")


class PushedForm(ClientForm):
    """The form of a pushed authorization request, for the API description."""

    response_type: str = Field(description="`code`")
    redirect_uri: str = Field(description="Exactly as registered")
    scope: str = Field(description="Space-separated")
    code_challenge: str = Field(description="PKCE (RFC 7636)")
    code_challenge_method: str = Field(description="`S256`")
    state: str | None = Field(None, description="Comes back as it was sent")
    nonce: str | None = Field(None, description="Stands in the ID token")
    prompt: str | None = Field(None, description="`none`, or any of `login`, `consent`, `select_account`")
    max_age: str | None = Field(None, description="Most seconds since the sign-in")
    acr_values: str | None = Field(None, description="Strengths of sign-in that satisfy")
    ui_locales: str | None = Field(None, description="Languages, best first")
    matter: str | None = Field(None, description="Code of the matter (事项); needed when several are registered")
    dpop_jkt: str | None = Field(None, description="Thumbprint of the key that may redeem the code (RFC 9449)")


class QuestionForm(ClientForm):
    """The form of introspection and revocation, for the API description."""

    token: str = Field(description="An access token or a refresh token")
    token_type_hint: str | None = Field(None, description="Accepted, and not needed")


def blueprint(parts: ProviderParts) -> APIBlueprint:
    """Return the routes of the provider."""
    routes = APIBlueprint("sso", __name__, tag="Sign-in and tokens")
    _form_routes(routes, parts)
    _documents(routes, parts)
    return routes


def _form_routes(routes: APIBlueprint, parts: ProviderParts) -> None:
    @routes.post(places.TOKEN_PATH)
    @routes.doc(summary="Obtain tokens", description=_AUTHENTICATE, responses=_responses(200, "Tokens", _TOKEN))
    @described_body(TokenForm, media_type=FORM_MEDIA_TYPE, example={"grant_type": "client_credentials"})
    def token() -> Response:
        parts.limiter.admit(client_address())
        return _answered(parts.token.answer)

    @routes.post(places.PAR_PATH)
    @routes.doc(
        summary="Push an authorization request",
        description=f"RFC 9126: the request is good once, for a minute. {_AUTHENTICATE}",
        responses=_responses(
            201, "A reference", {"request_uri": "urn:ietf:params:oauth:request_uri:…", "expires_in": 60}
        ),
    )
    @described_body(PushedForm, media_type=FORM_MEDIA_TYPE)
    def pushed() -> Response:
        parts.limiter.admit(client_address())
        return _answered(parts.par.answer)

    @routes.post(places.INTROSPECTION_PATH)
    @routes.doc(
        summary="Ask about a token",
        description=f"RFC 7662: for the system that the token is for, and for its client. {_AUTHENTICATE}",
        responses=_responses(200, "What it says", {"active": False}),
    )
    @described_body(QuestionForm, media_type=FORM_MEDIA_TYPE)
    def introspection() -> Response:
        return _answered(parts.introspection.answer)

    @routes.post(places.REVOCATION_PATH)
    @routes.doc(
        summary="Give a token back",
        description=f"RFC 7009: a refresh token takes its whole grant with it. {_AUTHENTICATE}",
        responses=_responses(200, "It is over", {}),
    )
    @described_body(QuestionForm, media_type=FORM_MEDIA_TYPE)
    def revocation() -> Response:
        return _answered(parts.revocation.answer)


def _documents(routes: APIBlueprint, parts: ProviderParts) -> None:
    @routes.get(places.KEYS_PATH)
    @routes.doc(summary="Keys that tokens are checked with")
    def keys() -> Response:
        return _cached(parts.rings.current().document())

    @routes.get(places.SM2_KEYS_PATH)
    @routes.doc(summary="Keys of the tokens that are signed with SM2")
    def sm2_keys() -> Response:
        return _cached(parts.rings.current().document(SM2_ALGORITHM))

    @routes.get(places.METADATA_PATH)
    @routes.doc(summary="Metadata of the authorization server")
    def server_metadata() -> Response:
        return _cached(places.provider_metadata(parts.issuer, parts.rings.current()))

    @routes.get(places.DISCOVERY_PATH)
    @routes.doc(summary="Metadata of the OpenID provider")
    def discovery() -> Response:
        return _cached(places.provider_metadata(parts.issuer, parts.rings.current()))


def _answered(endpoint: Callable[[FormRequest], JsonAnswer]) -> Response:
    answer = endpoint(
        FormRequest(
            media_type=request.mimetype,
            authorization=request.headers.get("Authorization", ""),
            form=dict(request.form.lists()),
            has_query=bool(request.query_string),
            dpop=tuple(request.headers.getlist(PROOF_HEADER)),
        )
    )
    return Response(answer.body, status=answer.status, headers=list(answer.headers))


def _cached(document: Mapping[str, Any]) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = f"public, max-age={KEYS_CACHE_SECONDS}"
    return response


def _responses(status: int, description: str, example: Mapping[str, object]) -> dict[int | str, Any]:
    return {
        status: {"description": description, "content": {"application/json": {"example": example}}},
        400: {"description": "Refused", "content": {"application/json": {"example": _REFUSED}}},
        401: {"description": "Client not authenticated", "content": {"application/json": {"example": _REFUSED}}},
    }
