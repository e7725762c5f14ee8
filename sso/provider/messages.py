"""What arrives at the form endpoints (token, PAR, introspection, revocation) and what they answer, without Flask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from sso.provider.oauth_errors import OAuthRefused
from trust.kernel.encoding import canonical_json

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"

MAX_FORM_PARAMETERS = 40
"""Parameters of one request: all that are known are fewer than 30; the rest is room for what others add."""

PROOFS_OF_CLIENT = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""Parameters by which a client proves itself; nothing but the authenticator reads them."""

_HEADERS = (("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Pragma", "no-cache"))


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRequest:
    """A posted form: every value of every field, and the facts of the header that OAuth asks for.

    `dpop` holds every value of the header DPoP (RFC 9449 section 4.3: more than one is refused).
    """

    media_type: str
    authorization: str = field(repr=False)
    form: Mapping[str, Sequence[str]] = field(repr=False)
    has_query: bool
    dpop: tuple[str, ...] = field(default=(), repr=False)

    def first(self, name: str) -> str:
        """Return the first value of a field, or the empty text; repeated fields are refused before this is asked."""
        values = self.form.get(name)
        return values[0] if values else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonAnswer:
    """What an endpoint answers: `body` is JSON, or empty."""

    status: int
    body: bytes = field(repr=False)
    headers: tuple[tuple[str, str], ...]


def check_form(request: FormRequest) -> None:
    """Refuse what RFC 6749 sections 3.2 and 2.3.1 exclude: another form, repeated or address-borne parameters.

    Raises `OAuthRefused`.
    """
    if request.media_type != FORM_MEDIA_TYPE:
        raise OAuthRefused("invalid_request", f"The body must be {FORM_MEDIA_TYPE}.")
    if request.has_query:
        raise OAuthRefused("invalid_request", "Parameters belong in the body, never in the address.")
    if len(request.form) > MAX_FORM_PARAMETERS:
        raise OAuthRefused("invalid_request", f"A request has at most {MAX_FORM_PARAMETERS} parameters.")
    if any(len(values) > 1 for values in request.form.values()):
        raise OAuthRefused("invalid_request", "A parameter is repeated.")


def required(request: FormRequest, name: str) -> str:
    """Return the value of a parameter. Raises `OAuthRefused` when it is missing or empty."""
    value = request.first(name)
    if not value:
        raise OAuthRefused("invalid_request", f"The parameter {name} is missing.")
    return value


def json_answer(members: Mapping[str, object], *, status: int = HTTPStatus.OK) -> JsonAnswer:
    """Return an answer that no cache keeps (RFC 6749 section 5.1)."""
    return JsonAnswer(status=int(status), body=canonical_json(members), headers=_HEADERS)


def refused_answer(refusal: OAuthRefused) -> JsonAnswer:
    """Return the error of RFC 6749 section 5.2; a client that is not recognised gets the challenge of HTTP Basic."""
    answer = json_answer({"error": refusal.error, "error_description": refusal.description}, status=int(refusal.status))
    if refusal.status is not HTTPStatus.UNAUTHORIZED:
        return answer
    return replace(answer, headers=(*answer.headers, ("WWW-Authenticate", 'Basic realm="yinxin", charset="UTF-8"')))
