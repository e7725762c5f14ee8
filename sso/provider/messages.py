"""What arrives at the form endpoints (token, PAR, introspection, revocation) and what they answer, without Flask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FORM_MEDIA_TYPE = "application/x-www-form-urlencoded"


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
