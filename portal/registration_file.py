"""A relying system's registration as people write it: one JSON object or TOML file, read strictly to the last member.

The command line reads it from a file, the page makes it from its form; `written` gives it back in the same shape.
"""

import json
import tomllib
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Field

from sso.provider.application import Proposal, Registration, scopes_of
from sso.provider.domain import ClientAuthentication, RelyingSystem, Scope
from sso.provider.errors import ScopeUnknown
from trust.http.errors import BodyTooLarge
from trust.http.parsing import StrictModel, parse_json
from trust.kernel.errors import MalformedInput
from trust.kernel.identifiers import Uscc

MAX_BYTES: Final = 128 * 1024
"""Largest file, bytes: the longest registration that the register takes has about 60 KiB."""


class RegistrationFileUnreadable(MalformedInput):
    """A TOML file that is none."""

    code = "registration-file-unreadable"
    title = "The registration file cannot be read."
    title_zh = "登记文件无法读取。"
    remedy = "Write TOML in UTF-8 (a name ending in .toml) or one JSON object; docs/join.md has an example."
    remedy_zh = "请使用 UTF-8 编码的 TOML（文件名以 .toml 结尾）或一个 JSON 对象；示例见 docs/join.md。"


class SystemBody(StrictModel):
    """A registration. Addresses, keys and names are judged by `sso.provider.registration.checked`."""

    label: str
    authority: str
    contact: str
    why: str
    scopes: tuple[str, ...]
    reasons: dict[str, str] = Field(default_factory=dict)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    backchannel_logout_uri: str | None = None
    authentication: ClientAuthentication = ClientAuthentication.SECRET
    jwks: dict[str, Any] | None = None
    resource: str = ""
    sector: str = ""
    pass_to: tuple[str, ...] = ()
    matters: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    signing_algorithm: Annotated[str, Field(max_length=64)] = "ES256"
    dpop_required: bool = False
    par_required: bool = False

    def parse(self) -> Proposal:
        """Return the proposal. Raises as `Proposal`, `ScopeUnknown`, `UsccInvalid`."""
        return Proposal(
            label=self.label,
            authority=Uscc.parse(self.authority, field="authority"),
            scopes=scopes_of(self.scopes),
            relying=RelyingSystem(
                redirect_uris=self.redirect_uris,
                post_logout_redirect_uris=self.post_logout_redirect_uris,
                backchannel_logout_uri=self.backchannel_logout_uri,
                authentication=self.authentication,
                jwks=None if self.jwks is None else json.dumps(self.jwks),
                resource=self.resource,
                sector=self.sector,
                pass_to=frozenset(self.pass_to),
                matters=frozenset(self.matters),
                types=frozenset(self.types),
                signing_algorithm=self.signing_algorithm,
                dpop_required=self.dpop_required,
                par_required=self.par_required,
                contact=self.contact,
            ),
            why=self.why,
            reasons={_scope(name): reason for name, reason in self.reasons.items()},
        )


def read(path: Path) -> Proposal:
    """Return the proposal in a file.

    Raises `BodyTooLarge`, `RegistrationFileUnreadable`, as `trust.http.parsing.parse_json`, and as `SystemBody.parse`.
    """
    content = path.read_bytes()
    if len(content) > MAX_BYTES:
        raise BodyTooLarge(f"The file may have at most {MAX_BYTES} bytes.", field="file")
    return parse_json(_as_json(content) if path.suffix == ".toml" else content, SystemBody).parse()


def written(registration: Registration) -> dict[str, object]:
    """Return what is registered in the shape that `read` takes, but for authority and reasons."""
    relying = registration.relying
    return {
        "label": registration.label,
        "contact": relying.contact,
        "scopes": sorted(registration.scopes),
        "redirect_uris": list(relying.redirect_uris),
        "post_logout_redirect_uris": list(relying.post_logout_redirect_uris),
        "backchannel_logout_uri": relying.backchannel_logout_uri,
        "authentication": relying.authentication.value,
        "jwks": None if relying.jwks is None else json.loads(relying.jwks),
        "resource": relying.resource,
        "sector": relying.sector,
        "pass_to": sorted(relying.pass_to),
        "matters": sorted(relying.matters),
        "types": sorted(relying.types),
        "signing_algorithm": relying.signing_algorithm,
        "dpop_required": relying.dpop_required,
        "par_required": relying.par_required,
    }


def _as_json(content: bytes) -> bytes:
    try:
        return json.dumps(tomllib.loads(content.decode("utf-8")), default=_plain).encode()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "It is not UTF-8, or nested too deeply."
        raise RegistrationFileUnreadable(reason, field="file") from None


def _plain(value: date | datetime | time) -> str:
    """TOML has dates; no member here is one, so the text is judged like any other."""
    return value.isoformat()


def _scope(name: str) -> Scope:
    try:
        return Scope(name)
    except ValueError:
        raise ScopeUnknown("A reason is given for a right that there is not.", field="reasons") from None
