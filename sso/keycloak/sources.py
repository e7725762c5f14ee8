"""Upstream identity sources as the operator registers them: one TOML file, read once at start.

What an upstream can give is bounded here twice: `level_ceiling` for how surely it knows the person, and
`strength_ceiling` for how surely the person signed in there. Both are apart, as everywhere in this service.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sso.accounts.domain import ProofingLevel
from sso.keycloak.errors import UpstreamFileInvalid
from sso.signin.domain import SIGN_INS, Strength
from trust.kernel.addresses import is_secure_channel

ALGORITHMS: Final = ("ES256", "PS256", "RS256")
"""Signatures of upstream tokens that are read at all; closed. None is symmetric, so no secret can forge one."""

MAX_AGE_SECONDS: Final = 3600
"""Default for how long ago the person may have signed in upstream, seconds: an hour, one visit to a counter."""

_NAME = re.compile("[a-z][a-z0-9-]{1,30}")  # it stands in a URL and in `keycloak:<name>`, the source of evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimNames:
    """Which claims of the upstream's id_token say who the person is; `default_kind` holds when `kind` is absent."""

    kind: str = "holder_kind"
    number: str = "holder_number"
    name: str = "name"
    level: str | None = None
    default_kind: str = "111"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSource:
    """One upstream platform. `levels`, `acr` and `amr` translate its values; what is not listed counts as weakest.

    Without `claims.level` the upstream vouches for all its persons alike, with `level_ceiling`.
    """

    name: str
    title: str
    title_zh: str
    issuer: str
    client_id: str
    secret_file: Path = field(repr=False)
    claims: ClaimNames
    level_ceiling: ProofingLevel
    strength_ceiling: Strength
    levels: Mapping[str, ProofingLevel]
    acr: Mapping[str, Strength]
    amr: Mapping[str, Strength]
    algorithms: tuple[str, ...] = ALGORITHMS
    scope: str = "openid profile"
    max_age_seconds: int = MAX_AGE_SECONDS
    ca_file: Path | None = None
    enabled: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise _refusal(self.name, "the name takes lower-case letters, digits and hyphens, 2 to 31")
        if not is_safe_address(self.issuer) or urlsplit(self.issuer).query:
            raise _refusal(self.name, "issuer must be an https address without query or fragment")
        if not set(self.algorithms) <= set(ALGORITHMS) or not self.algorithms:
            raise _refusal(self.name, f"algorithms are among {', '.join(ALGORITHMS)}")
        if "openid" not in self.scope.split(" "):
            raise _refusal(self.name, "scope must contain openid")

    @property
    def evidence_source(self) -> str:
        """The name under which proofing by this upstream is kept (`Evidence.source`)."""
        return f"keycloak:{self.name}"

    def callback(self, public_url: str) -> str:
        """Return the redirect URI: another for each upstream, so that no answer fits two (RFC 9700 section 4.4)."""
        return f"{public_url}/sso/upstream/{self.name}/callback"

    def level_of(self, claims: Mapping[str, Any]) -> ProofingLevel:
        """Return how surely the upstream knows this person, under the ceiling."""
        if self.claims.level is None:
            return self.level_ceiling
        said = claims.get(self.claims.level)
        known = self.levels.get(said, ProofingLevel.SELF_ASSERTED) if isinstance(said, str) else None
        return min(known or ProofingLevel.SELF_ASSERTED, self.level_ceiling)

    def strength_of(self, claims: Mapping[str, Any]) -> Strength:
        """Return how surely the person signed in upstream, under the ceiling; nothing known counts as a password."""
        methods = claims.get("amr")
        said = [self.acr.get(claims["acr"])] if isinstance(claims.get("acr"), str) else []
        said += [self.amr.get(each) for each in methods if isinstance(each, str)] if isinstance(methods, list) else []
        return min(max((each for each in said if each), default=Strength.PASSWORD), self.strength_ceiling)


def is_safe_address(address: object) -> bool:
    """Whether secrets may travel to `address`: https, or http on this machine; no user, no fragment, no blank."""
    if not isinstance(address, str) or not address.isascii() or not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        known = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return known and is_secure_channel(parts) and not ("@" in parts.netloc or "#" in address)


def read_sources(path: Path | None) -> tuple[UpstreamSource, ...]:
    """Return the sources of a file, in its order; none when no file is named. Raises `UpstreamFileInvalid`."""
    if path is None:
        return ()
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        entries = _File.model_validate(document).sources
    except OSError as error:
        raise UpstreamFileInvalid(f"{path.name}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise UpstreamFileInvalid(f"{path.name} is not TOML in UTF-8.") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise UpstreamFileInvalid(f"{path.name}: {where}: {fault['msg']}.", field=where) from None
    return tuple(entry.parse(name, folder=path.parent) for name, entry in entries.items())


def _sign_in(value: int) -> Strength:
    """Return the strength of this number. Raises `ValueError`, also for none at all."""
    if (strength := Strength(value)) not in SIGN_INS:
        raise ValueError
    return strength


def _refusal(name: str, why: str) -> UpstreamFileInvalid:
    return UpstreamFileInvalid(f"sources.{name}: {why}.", field=f"sources.{name}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Claims(_Strict):
    kind: str = "holder_kind"
    number: str = "holder_number"
    name: str = "name"
    level: str | None = None
    default_kind: str = "111"


class _Entry(_Strict):
    """One table `[sources.<name>]` as it is written; levels and strengths are written as numbers."""

    title: str = Field(min_length=1, max_length=80)
    title_zh: str = Field(min_length=1, max_length=80)
    issuer: str
    client_id: str = Field(min_length=1, max_length=255)
    secret_file: str
    level_ceiling: int = Field(ge=0, le=2)  # never in person: no upstream has stood at our counter
    strength_ceiling: int = Field(ge=1, le=3)
    claims: _Claims = _Claims()
    levels: dict[str, int] = {}
    acr: dict[str, int] = {}
    amr: dict[str, int] = {}
    algorithms: list[str] = list(ALGORITHMS)
    scope: str = "openid profile"
    max_age_seconds: int = Field(MAX_AGE_SECONDS, ge=60, le=12 * 3600)
    ca_file: str | None = None
    enabled: bool = True

    def parse(self, name: str, *, folder: Path) -> UpstreamSource:
        """Return the source; paths are relative to the folder of the file."""
        try:
            levels = {said: ProofingLevel(level) for said, level in self.levels.items()}
            acr, amr = ({said: _sign_in(value) for said, value in each.items()} for each in (self.acr, self.amr))
        except ValueError:
            raise _refusal(name, "levels are 0 to 3, strengths 1 to 3") from None
        return UpstreamSource(
            name=name,
            title=self.title,
            title_zh=self.title_zh,
            issuer=self.issuer,
            client_id=self.client_id,
            secret_file=folder / self.secret_file,
            claims=ClaimNames(**self.claims.model_dump()),
            level_ceiling=ProofingLevel(self.level_ceiling),
            strength_ceiling=Strength(self.strength_ceiling),
            levels=levels,
            acr=acr,
            amr=amr,
            algorithms=tuple(self.algorithms),
            scope=self.scope,
            max_age_seconds=self.max_age_seconds,
            ca_file=None if self.ca_file is None else folder / self.ca_file,
            enabled=self.enabled,
        )


class _File(_Strict):
    sources: dict[str, _Entry] = {}
