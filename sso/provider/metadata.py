"""What the provider says of itself: one document for OpenID discovery 1.0 section 3 and RFC 8414 section 2.

It is complete and true: nothing stands here that the endpoints do not do, and the addresses of the endpoints stand
nowhere else. RS256 is not offered (docs/divergences.md): our tokens are ES256, or SM2 for clients registered so.
"""

from typing import Any

from sso.accounts.domain import ProofingLevel
from sso.provider.domain import Scope
from sso.provider.keyring import Keyring
from sso.signin.domain import SIGN_INS

AUTHORIZATION_PATH = "/oauth/authorize"
TOKEN_PATH = "/oauth/token"  # noqa: S105  an address
PAR_PATH = "/oauth/par"
INTROSPECTION_PATH = "/oauth/introspect"
REVOCATION_PATH = "/oauth/revoke"
USERINFO_PATH = "/oauth/userinfo"
END_SESSION_PATH = "/oauth/logout"
KEYS_PATH = "/oauth/jwks.json"
SM2_KEYS_PATH = "/oauth/jwks-sm2.json"
DISCOVERY_PATH = "/.well-known/openid-configuration"
METADATA_PATH = "/.well-known/oauth-authorization-server"

SM2_KEYS_MEMBER = "urn:yinxin:jwks-uri:sm2"
"""Our own member: where clients that are registered for SM2 find the keys of their tokens."""

AUTHENTICATION_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
"""How confidential clients authenticate at every endpoint; public ones use `none` at token and PAR endpoint."""

CLIENT_ALGORITHMS = ("ES256", "RS256", "PS256")
"""What client assertions and DPoP proofs may be signed with; RSA keys have 2048 bits or more."""

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  a name of RFC 8693
TRUST_FRAMEWORK = "urn:yinxin:proofing"
"""The trust framework of our verified claims (OIDC4IDA section 5.4): the proofing levels of this service."""

GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", TOKEN_EXCHANGE)
PROMPTS = ("none", "login", "consent", "select_account")
LOCALES = ("zh-CN", "en")
CLAIMS = (
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "acr",
    "amr",
    "sid",
    "name",
    "ial",
    "holder_kind",
    "holder_number",
    "verified_claims",
    "represents",
)


def provider_metadata(issuer: str, ring: Keyring) -> dict[str, Any]:
    """Return the document of the provider whose public address and `iss` is `issuer`."""
    endpoints = {
        "authorization_endpoint": AUTHORIZATION_PATH,
        "token_endpoint": TOKEN_PATH,
        "pushed_authorization_request_endpoint": PAR_PATH,
        "introspection_endpoint": INTROSPECTION_PATH,
        "revocation_endpoint": REVOCATION_PATH,
        "userinfo_endpoint": USERINFO_PATH,
        "end_session_endpoint": END_SESSION_PATH,
        "jwks_uri": KEYS_PATH,
        "service_documentation": "/docs",
    }
    addresses = {name: issuer + path for name, path in endpoints.items()}
    sm2 = {SM2_KEYS_MEMBER: issuer + SM2_KEYS_PATH} if len(ring.algorithms) > 1 else {}
    return {"issuer": issuer, **addresses, **sm2, **_abilities(ring), **_authentication(), **_assurance()}


def _abilities(ring: Keyring) -> dict[str, Any]:
    return {
        "scopes_supported": [scope.value for scope in Scope],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": list(PROMPTS),
        "ui_locales_supported": list(LOCALES),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(ring.algorithms),
        "dpop_signing_alg_values_supported": list(CLIENT_ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": False,
    }


def _authentication() -> dict[str, Any]:
    document: dict[str, Any] = {}
    for endpoint, methods in (
        ("token_endpoint", (*AUTHENTICATION_METHODS, "none")),
        ("introspection_endpoint", AUTHENTICATION_METHODS),
        ("revocation_endpoint", (*AUTHENTICATION_METHODS, "none")),
    ):
        document[f"{endpoint}_auth_methods_supported"] = list(methods)
        document[f"{endpoint}_auth_signing_alg_values_supported"] = list(CLIENT_ALGORITHMS)
    return document


def _assurance() -> dict[str, Any]:
    """Return what can be said of persons; the members on verified claims are those of OIDC4IDA section 7."""
    return {
        "acr_values_supported": [strength.urn for strength in SIGN_INS],
        "claim_types_supported": ["normal"],
        "claims_supported": list(CLAIMS),
        "verified_claims_supported": True,
        "trust_frameworks_supported": [TRUST_FRAMEWORK],
        "evidence_supported": ["document", "electronic_record"],
        "documents_check_methods_supported": ["vpip"],
        "electronic_records_supported": ["population_register"],
        "claims_in_verified_claims_supported": ["name", "holder_kind", "holder_number"],
        "urn:yinxin:ial_values_supported": [level.urn for level in ProofingLevel],
    }
