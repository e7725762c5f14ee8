"""The frozen settings, and the only reader of the environment.

`YINXIN_*` variables go over `yinxin.toml`, which goes over the defaults. Secrets are only ever *paths* to files.
Every field appears in docs/settings.md with the sentence given here.
"""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from typing_extensions import override

from trust.kernel.errors import NotReady

_PREFIX = "YINXIN_"
_FIELD_OF_SETTINGS_ERROR = re.compile('for field "([a-z_]+)"')
_KIB = 1024
_MIB = 1024 * _KIB


class SettingsInvalid(NotReady):
    """A setting is unknown or has an unusable value."""

    code = "settings-invalid"
    title = "A setting cannot be used."
    title_zh = "配置项不可用。"
    remedy = "Correct the named setting in the environment or in yinxin.toml; docs/settings.md lists them all."
    remedy_zh = "请在环境变量或 yinxin.toml 中更正所指配置项；全部配置项见 docs/settings.md。"


class ProofingSourceSettings(BaseModel):
    """One register that confirms who people are; docs/proofing-sources.md is the contract with it.

    `ceiling` is the highest proofing level that it may give here (0 self-asserted, 1 two-element match).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["population-register", "legal-person-register", "mobile-carrier", "social-security"]
    url: str
    secret_file: Path
    authentication: Literal["bearer", "hmac"] = "bearer"
    ceiling: int = Field(1, ge=0, le=1)
    timeout_seconds: float = Field(5.0, gt=0, le=30)
    ca_file: Path | None = None


class Settings(BaseSettings):
    """All settings of an installation."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, toml_file="yinxin.toml", frozen=True, extra="forbid")

    home: Path = Field(Path("var"), description="Folder that holds all state.")
    environment: Literal["development", "production"] = Field(
        "development", description="`production` refuses every unsafe default."
    )
    sandbox: bool | None = Field(
        None,
        description="Whether sandbox systems, for invented people only, are admitted; empty means in development only.",
    )
    database_url: str = Field(
        "",
        description="SQLAlchemy address; empty means SQLite at `<home>/yinxin.sqlite3`. PostgreSQL: `postgresql+psycopg://…`.",
    )
    public_url: str = Field(
        "http://127.0.0.1:8080",
        description="Address under which people reach the service; it stands in QR codes and X.509 extensions.",
    )
    bind: str = Field("127.0.0.1", description="Address the server listens on.")
    port: int = Field(8080, ge=1, le=65535, description="Port the server listens on.")
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=5,
        description="Reverse proxies before the service whose X-Forwarded-For is believed.",
    )
    workers: int = Field(2, ge=1, le=64, description="Server processes.")
    passphrase_file: Path | None = Field(
        None,
        description="File with the passphrase of the software token; empty means `<home>/secrets/token.passphrase`.",
    )
    allow_software_keys: bool = Field(
        False, description="Permits the software token in production. Say so only if you accept keys in process memory."
    )
    font_paths: tuple[Path, ...] = Field(
        (Path("/usr/share/fonts/truetype/hanazono"), Path("/usr/share/fonts/truetype/babelstone")),
        description="Folders searched for the rare-character fonts HanaMinA, HanaMinB and BabelStone Han.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line written."
    )
    max_body_bytes: int = Field(
        256 * _KIB,
        ge=_KIB,
        description="Largest JSON body, bytes. A certificate's data is a few KiB; more is a mistake or an attack.",
    )
    max_upload_bytes: int = Field(
        20 * _MIB,
        ge=_KIB,
        description="Largest file sent for verification, bytes. Certificates are below 1 MiB.",
    )
    verify_rate_per_minute: int = Field(
        60, ge=1, description="Verifications per minute and client address, per server process, before 429 is answered."
    )
    sign_in_rate_per_minute: int = Field(
        120,
        ge=1,
        description="Requests to sign-in pages per minute and client address, per server process, before 429.",
    )
    token_rate_per_minute: int = Field(
        60,
        ge=1,
        description="Token requests per minute and client address, per server process, before 429 is answered.",
    )
    access_token_seconds: int = Field(600, ge=30, le=3600, description="Life of a department's access token, seconds.")
    person_token_seconds: int = Field(300, ge=30, le=3600, description="Life of a person's access token, seconds.")
    id_token_seconds: int = Field(300, ge=30, le=3600, description="Life of an ID token, seconds.")
    refresh_token_seconds: int = Field(
        8 * 3600,
        ge=60,
        le=30 * 24 * 3600,
        description="Seconds in which a refresh token must be used; it ends with the sign-in in any case.",
    )
    proofing_sources: tuple[ProofingSourceSettings, ...] = Field(
        (),
        description=(
            "Registers that confirm who people are, a list of objects with `name`, `url`, `secret_file` and optionally "
            "`authentication`, `ceiling`, `timeout_seconds`, `ca_file`; see docs/proofing-sources.md."
        ),
    )
    session_idle_minutes: int = Field(
        30, ge=1, le=720, description="Longest pause between two uses of a person's session, minutes."
    )
    session_hours: int = Field(
        12, ge=1, le=72, description="Longest life of a person's session, hours; nothing prolongs it."
    )
    recovery_wait_hours: int = Field(
        24,
        ge=1,
        le=168,
        description=(
            "Hours that a recovery code from a counter waits before it is good, where the account has a way to sign in "
            "already and no second clerk releases it; see docs/adr/0014."
        ),
    )
    clerk_acts_per_day: int = Field(
        60,
        ge=1,
        description=(
            "Acts of one clerk on accounts (proofing, recovery codes, releases; refused ones too) per day in China, "
            "before 429 is answered. Twice what a clerk with ten minutes for each person does in a long day."
        ),
    )
    outbound_loopback: bool | None = Field(
        None,
        description="Whether sign-out notices may go to this machine's own addresses; empty means in development only.",
    )
    outbound_networks: tuple[IPvAnyNetwork, ...] = Field(
        (),
        description="Private networks (CIDR) of relying systems: sign-out notices may go there as to public addresses.",
    )
    crl_days: int = Field(7, ge=1, le=30, description="Days until a published CRL must be replaced.")
    checkpoint_seconds: int = Field(
        60, ge=1, le=3600, description="Longest time a ledger entry waits for a signed checkpoint, seconds."
    )
    devices_file: Path | None = Field(
        None,
        description="TOML file of the key devices, see docs/pkcs11.md and docs/sdf.md; empty: software keys alone.",
    )
    witnesses: tuple[str, ...] = Field(
        (), description="Witnesses of the ledger, each `<vkey> <https address>`, see docs/audit.md."
    )
    witness_quorum: int = Field(
        0,
        ge=0,
        description="Witnesses that must have cosigned a checkpoint before it is served; 0: the newest is served.",
    )
    ledger_rules_file: Path | None = Field(
        None,
        description=(
            "TOML file of your own rules for the ledger's watch, beside those of the package; see docs/operations.md."
        ),
    )
    upstream_file: Path | None = Field(
        None,
        description="TOML file of the upstream platforms whose sign-in is accepted, see docs/keycloak.md; empty: none.",
    )
    keycloak_url: str = Field(
        "", description="Address of the Keycloak that `yinxin sso keycloak` keeps in step; empty means none."
    )
    keycloak_realm: str = Field(
        "yinxin",
        pattern="^[a-z0-9][a-z0-9-]{0,40}$",
        description="Realm that `yinxin sso keycloak` makes and keeps in step; never one made by others.",
    )
    keycloak_admin_client: str = Field(
        "yinxin-provisioner", description="Client of Keycloak's master realm whose service account may administer."
    )
    keycloak_admin_secret_file: Path | None = Field(None, description="File with the secret of that client.")
    keycloak_ca_file: Path | None = Field(
        None,
        description="File of CA certificates (PEM) that Keycloak's https is checked with; empty means the system's.",
    )

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, yinxin.toml."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def database_address(self) -> str:
        """The database address with its default applied."""
        return self.database_url or f"sqlite:///{(self.home / 'yinxin.sqlite3').absolute()}"

    @property
    def loopback_allowed(self) -> bool:
        """Whether outgoing requests may go to this machine, with the default applied."""
        return self.environment == "development" if self.outbound_loopback is None else self.outbound_loopback

    @property
    def sandbox_allowed(self) -> bool:
        """Whether sandbox systems may exist, with the default applied."""
        return self.environment == "development" if self.sandbox is None else self.sandbox

    @property
    def passphrase_path(self) -> Path:
        """The passphrase file with its default applied."""
        return self.passphrase_file or self.home / "secrets" / "token.passphrase"


def load_settings(**overrides: object) -> Settings:
    """Read the settings once. Raises `SettingsInvalid`, naming the setting and never its value."""
    for name in os.environ:  # noqa: TID251  this module is the one reader
        if name.startswith(_PREFIX) and name.removeprefix(_PREFIX).lower() not in Settings.model_fields:
            raise SettingsInvalid(f"{name}: there is no such setting", field=name)
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # overrides are checked by the model itself
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SettingsInvalid(f"{_PREFIX}{name.upper()}: {first['msg']}", field=name) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsInvalid(f"yinxin.toml: {error}", field="yinxin.toml") from None
    except UnicodeDecodeError:
        raise SettingsInvalid("yinxin.toml is not in UTF-8.", field="yinxin.toml") from None
    except OSError as error:
        raise SettingsInvalid(f"yinxin.toml: {error.strerror}.", field="yinxin.toml") from None
    except SettingsError as error:  # a list that is not written as JSON; the library's sentence names the field only
        named = _FIELD_OF_SETTINGS_ERROR.search(str(error))
        name = named[1] if named else ""
        raise SettingsInvalid(f"{_PREFIX}{name.upper()}: a list is written as JSON", field=name or None) from None


def child_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Return this process's environment with these settings in it and no other of ours: for a server process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}  # noqa: TID251
    return inherited | {f"{_PREFIX}{name.upper()}": _as_variable(value) for name, value in settings.items()}


def hand_to_children(settings: Settings, *, metrics_folder: Path) -> None:
    """Put the settings into the environment, so that server processes started from here read the same ones.

    `PROMETHEUS_MULTIPROC_DIR` is how the metrics library learns where the processes share their counters.
    """
    for name, value in settings.model_dump(mode="json", exclude_none=True).items():
        os.environ[f"{_PREFIX}{name.upper()}"] = _as_variable(value)  # noqa: TID251
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_folder.absolute())  # noqa: TID251


def _as_variable(value: object) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)
