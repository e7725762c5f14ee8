"""The form for a relying system: what was typed, what it says as a registration, and how a registration reads."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from werkzeug.datastructures import MultiDict

from portal import registration_file
from portal.pages.system_sentences import SystemTexts
from portal.registration_file import SystemBody
from sso.provider.application import GUARDED_SCOPES, Proposal, Registration
from sso.provider.domain import ClientAuthentication, Scope
from sso.provider.errors import JwksInvalid
from trust.http.parsing import parse_json

LINES: Final = ("redirect_uris", "post_logout_redirect_uris")
CHOICES: Final = ("scopes", "matters", "types", "pass_to")
SWITCHES: Final = ("dpop_required", "par_required")
WORDS: Final = ("label", "contact", "why", "authentication", "resource", "sector", "signing_algorithm")
REQUIRED: Final = ("label", "authority", "contact", "why")
REASONS: Final = tuple(sorted(scope.value for scope in GUARDED_SCOPES))
FIELDS: Final = (*WORDS, "authority", "backchannel_logout_uri", "jwks", *LINES, *CHOICES, *SWITCHES, *REASONS)

Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a registration as it is read: `before` is set where a change alters it."""

    label: str
    lines: Sequence[str]
    before: Sequence[str] | None = None


def values_of(form: MultiDict[str, str]) -> dict[str, list[str]]:
    """Return what was typed into the form, by field; anything else is dropped."""
    return {name: form.getlist(name) for name in FIELDS if name in form}


def proposal_of(values: Values) -> Proposal:
    """Return the proposal that the form makes. Raises `JwksInvalid`, and as `SystemBody.parse` and `parse_json`."""

    def word(name: str) -> str:
        return next(iter(values.get(name, ())), "").strip()

    body: dict[str, object] = {name: word(name) for name in WORDS if word(name)}
    body |= {name: word(name) for name in ("label", "authority", "contact", "why")}
    body |= {name: [line.strip() for line in word(name).splitlines() if line.strip()] for name in LINES}
    body |= {name: list(values.get(name, ())) for name in CHOICES}
    body |= {name: bool(word(name)) for name in SWITCHES}
    body["backchannel_logout_uri"] = word("backchannel_logout_uri") or None
    body["jwks"] = _jwks(word("jwks"))
    body["reasons"] = {name: word(name) for name in REASONS if word(name)}
    return parse_json(json.dumps(body).encode(), SystemBody).parse()


def values_from(registration: Registration, *, authority: str) -> dict[str, list[str]]:
    """Return the form filled in with what is registered."""
    values = {"authority": [authority]}
    for name, value in registration_file.written(registration).items():
        if name in LINES:
            values[name] = ["\n".join(_texts(value))]
        elif name == "jwks":
            values[name] = [json.dumps(value, indent=1)] if value else []
        elif name in SWITCHES:
            values[name] = ["yes"] if value else []
        else:
            values[name] = _texts(value)
    return values


def rows(
    registration: Registration, texts: SystemTexts, *, reasons: Mapping[Scope, str], before: Registration | None
) -> list[Row]:
    """Return a registration line by line, in the order of the form."""
    asked = _readable(registration, texts, reasons)
    former = _readable(before, texts, {}) if before is not None else None
    plain = _readable(registration, texts, {})
    return [
        Row(
            label=texts.fields[name],
            lines=lines,
            before=former[name] if former is not None and former[name] != plain[name] else None,
        )
        for name, lines in asked.items()
    ]


def _readable(registration: Registration, texts: SystemTexts, reasons: Mapping[Scope, str]) -> dict[str, list[str]]:
    written = registration_file.written(registration)
    found: dict[str, list[str]] = {}
    for name in texts.fields:
        if name not in written:
            continue
        value = written[name]
        if name == "scopes":
            found[name] = [_right(Scope(each), texts, reasons) for each in _texts(value)]
        elif name == "authentication":
            found[name] = [texts.methods[ClientAuthentication(str(value))]]
        elif isinstance(value, bool):
            found[name] = [texts.yes if value else texts.no]
        else:
            found[name] = [json.dumps(value)] if isinstance(value, dict) else _texts(value)
    return {name: lines or [texts.nothing] for name, lines in found.items()}


def _right(scope: Scope, texts: SystemTexts, reasons: Mapping[Scope, str]) -> str:
    reason = reasons.get(scope)
    return f"{texts.scopes[scope]} ({scope.value})" + (f" — {reason}" if reason else "")


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    return [str(value)] if value else []


def _jwks(text: str) -> object:
    if not text:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise JwksInvalid("This is no JWK set (RFC 7517 section 5).", field="jwks") from None
    if not isinstance(found, dict):
        raise JwksInvalid("This is no JWK set (RFC 7517 section 5).", field="jwks")
    return found
