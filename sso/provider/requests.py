"""One authorization request, parsed (RFC 6749 section 4.1.1, OIDC core section 3.1.2.1, RFC 7636, RFC 9449 section 10).

Parsing needs no database: it decides with the registration of the client alone, so a pushed request is judged when it
is pushed and nothing unusable is ever kept.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Final

from sso.provider.domain import PERSON_SCOPES, Client, RelyingSystem, Scope
from sso.provider.oauth_errors import OAuthRefused
from sso.signin.domain import SIGN_INS, Strength

MAX_PARAMETERS: Final = 40  # OIDC core, PKCE, DPoP and ours are 25 together; the rest is room for unknown ones
MAX_PARAMETER_CHARACTERS: Final = 2048  # a redirect address is the longest thing a stock client sends
MAX_STATE_CHARACTERS: Final = 1024  # stock clients send 43; some seal their own state into it
MAX_NONCE_CHARACTERS: Final = 255
MAX_AGE_SECONDS: Final = 366 * 24 * 3600  # more than any session lives: a larger number is a mistake
MAX_LOCALES: Final = 10

CHALLENGE_METHOD: Final = "S256"
RESPONSE_TYPE: Final = "code"
RESPONSE_MODE: Final = "query"
REQUEST_URI_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 section 2.2
UNMET: Final = "unmet_authentication_requirements"

_VISIBLE = re.compile(r"[\x20-\x7e]*")  # VSCHAR of RFC 6749 appendix A
_DIGEST = re.compile("[A-Za-z0-9_-]{43}")  # 256 bits in base64url: an S256 challenge, a JWK thumbprint
_AGE = re.compile("[0-9]{1,9}")
_LOCALE = re.compile("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_STRENGTHS = {strength.urn: strength for strength in SIGN_INS}
_SINGLE = "A parameter is repeated."


class Prompt(StrEnum):
    """What the client wants the person to be asked (OIDC core section 3.1.2.1)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What one client asks one person for; every value was checked against the client's registration.

    `acr` is the weakest strength that satisfies the request, None when any does; `max_age` is in seconds; `challenge`
    is the S256 code challenge; `confirmation` the thumbprint of the DPoP key that the code is bound to.
    """

    client: str
    redirect_uri: str
    scopes: frozenset[Scope]
    challenge: str
    state: str | None = field(default=None, repr=False)
    nonce: str | None = field(default=None, repr=False)
    matter: str | None = None
    acr: Strength | None = None
    max_age: int | None = None
    prompt: frozenset[Prompt] = frozenset()
    ui_locales: tuple[str, ...] = ()
    confirmation: str | None = None


def single_values(parameters: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return each parameter once; empty ones are left out (RFC 6749 section 3.1). Raises `OAuthRefused`."""
    if len(parameters) > MAX_PARAMETERS:
        raise OAuthRefused("invalid_request", f"A request has at most {MAX_PARAMETERS} parameters.")
    if any(len(values) > 1 for values in parameters.values()):
        raise OAuthRefused("invalid_request", _SINGLE)
    found = {name: values[0] for name, values in parameters.items() if values and values[0]}
    if any(len(value) > MAX_PARAMETER_CHARACTERS for value in found.values()):
        raise OAuthRefused("invalid_request", f"A parameter has at most {MAX_PARAMETER_CHARACTERS} characters.")
    return found


def parse_request(
    client: Client, relying: RelyingSystem, values: Mapping[str, str], *, pushed: bool
) -> AuthorizationRequest:
    """Return the request of `client`; the redirect address was matched before. `pushed` is how it arrived.

    Raises:
        OAuthRefused: with the error that goes to the client.
    """
    if relying.par_required and not pushed:
        raise OAuthRefused("invalid_request", "This client must push its requests (RFC 9126).")
    _refuse_unsupported(relying, values)
    scopes = _scopes(client, values.get("scope", ""))
    matter = _matter(relying, scopes, values.get("matter"))
    return AuthorizationRequest(
        client=client.id,
        redirect_uri=values["redirect_uri"],
        scopes=scopes,
        challenge=_challenge(values),
        state=values.get("state"),
        nonce=_bounded(values, "nonce", MAX_NONCE_CHARACTERS),
        matter=matter,
        acr=_acr(values.get("acr_values", "")),
        max_age=_max_age(values.get("max_age")),
        prompt=_prompt(values.get("prompt", "")),
        ui_locales=_locales(values.get("ui_locales", "")),
        confirmation=_digest(values, "dpop_jkt") if "dpop_jkt" in values else None,
    )


def request_text(request: AuthorizationRequest) -> str:
    """Return the request as a row keeps it."""
    values = asdict(request)
    for name in ("scopes", "prompt"):
        values[name] = sorted(values[name])
    return json.dumps(values)


def request_of(text: str) -> AuthorizationRequest:
    """Return the request that `request_text` wrote."""
    values = json.loads(text)
    values["scopes"] = frozenset(Scope(name) for name in values["scopes"])
    values["prompt"] = frozenset(Prompt(name) for name in values["prompt"])
    values["ui_locales"] = tuple(values["ui_locales"])
    values["acr"] = Strength(values["acr"]) if values["acr"] else None
    return AuthorizationRequest(**values)


def usable_state(values: Mapping[str, str]) -> str | None:
    """Return the state if it can be given back as it came (RFC 6749 appendix A.5), else None."""
    state = values.get("state")
    return state if state and len(state) <= MAX_STATE_CHARACTERS and _VISIBLE.fullmatch(state) else None


_NEVER = {
    "request": ("request_not_supported", "Request objects are not supported; push the request instead."),
    "request_uri": ("request_uri_not_supported", "Only request_uri values of the PAR endpoint are supported."),
    "registration": ("registration_not_supported", "Clients are registered by the administrator."),
}


def _refuse_unsupported(relying: RelyingSystem, values: Mapping[str, str]) -> None:
    for name, refusal in _NEVER.items():
        if name in values:
            raise OAuthRefused(*refusal)
    if "response_type" not in values:
        raise OAuthRefused("invalid_request", "The parameter response_type is missing.")
    if values["response_type"] != RESPONSE_TYPE:
        raise OAuthRefused("unsupported_response_type", "The only response type is code.")
    if values.get("response_mode", RESPONSE_MODE) != RESPONSE_MODE:
        raise OAuthRefused("invalid_request", "The only response mode is query.")
    if "state" in values and usable_state(values) is None:
        raise OAuthRefused("invalid_request", "The parameter state is too long or not printable ASCII.")
    if values.get("resource", relying.resource) != relying.resource:
        raise OAuthRefused("invalid_target", "A sign-in gives a token for the client itself; exchange it for others.")


def _challenge(values: Mapping[str, str]) -> str:
    """PKCE for every client, S256 by name: absent would mean plain (RFC 7636 section 4.3)."""
    if "code_challenge" not in values:
        raise OAuthRefused("invalid_request", "The parameter code_challenge is missing.")
    if values.get("code_challenge_method") != CHALLENGE_METHOD:
        raise OAuthRefused("invalid_request", "The parameter code_challenge_method must be S256.")
    return _digest(values, "code_challenge")


def _digest(values: Mapping[str, str], name: str) -> str:
    if not _DIGEST.fullmatch(values[name]):
        raise OAuthRefused("invalid_request", f"The parameter {name} is not a SHA-256 digest in base64url.")
    return values[name]


def _scopes(client: Client, text: str) -> frozenset[Scope]:
    names = set(text.split(" ")) if text else set()
    if not names:
        raise OAuthRefused("invalid_scope", "The parameter scope is missing.")
    known = {scope.value for scope in client.scopes & PERSON_SCOPES}
    if not names <= known:
        raise OAuthRefused("invalid_scope", "A requested scope is unknown or was not granted to this client.")
    return frozenset(Scope(name) for name in names)


def _matter(relying: RelyingSystem, scopes: frozenset[Scope], wanted: str | None) -> str | None:
    if wanted is not None and wanted not in relying.matters:
        raise OAuthRefused("invalid_request", "The client is not registered for this matter.")
    only = next(iter(relying.matters)) if len(relying.matters) == 1 else None
    matter = wanted or only
    if matter is None and Scope.CERTS_READ in scopes:
        raise OAuthRefused("invalid_scope", "Reading certificates needs the parameter matter: one purpose per sign-in.")
    return matter


def _acr(text: str) -> Strength | None:
    if not text:
        return None
    known = [_STRENGTHS[name] for name in text.split(" ") if name in _STRENGTHS]
    if not known:
        raise OAuthRefused(UNMET, "None of the requested acr_values is offered here.")
    return min(known)


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not _AGE.fullmatch(text) or int(text) > MAX_AGE_SECONDS:
        raise OAuthRefused("invalid_request", f"The parameter max_age takes 0 to {MAX_AGE_SECONDS} seconds.")
    return int(text)


def _prompt(text: str) -> frozenset[Prompt]:
    names = set(text.split(" ")) if text else set()
    if not names <= {prompt.value for prompt in Prompt}:
        raise OAuthRefused("invalid_request", "The parameter prompt takes none, login, consent and select_account.")
    prompts = frozenset(Prompt(name) for name in names)
    if Prompt.NONE in prompts and len(prompts) > 1:
        raise OAuthRefused("invalid_request", "The prompt none stands alone.")
    return prompts


def _locales(text: str) -> tuple[str, ...]:
    """Locales are a wish (OIDC core section 3.1.2.1): what is no language tag is passed over."""
    return tuple(tag for tag in text.split(" ") if _LOCALE.fullmatch(tag))[:MAX_LOCALES]


def _bounded(values: Mapping[str, str], name: str, most: int) -> str | None:
    value = values.get(name)
    if value is not None and (len(value) > most or not _VISIBLE.fullmatch(value)):
        raise OAuthRefused("invalid_request", f"The parameter {name} is too long or not printable ASCII.")
    return value
