"""Every setting of both services, read once from `CERTSVC_*` variables and then frozen."""

import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError

from certsvc.service.forms import BaseAddress, base_addresses, networks, redis_address
from certsvc.service.printing_settings import PrintingSettings
from certsvc.service.shared.address import SharedAddress, read_address

PREFIX = "CERTSVC_"
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h: restarting without a change cannot help


class SettingsInvalid(Exception):  # noqa: N818 - the name says what is wrong
    """A setting is wrong; the message names the variable and never repeats its value."""

    code: ClassVar[str] = "settings_invalid"
    exit_code: ClassVar[int] = EXIT_CONFIGURATION


class Environment(StrEnum):
    """Where the service runs; the trust root says the same word."""

    DEMO = "demo"
    PRODUCTION = "production"


class Traces(StrEnum):
    """Whether traces are sent."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Settings(PrintingSettings):
    """All settings; a field `home` is the variable `CERTSVC_HOME`. Table: docs/settings.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    home: Path = Field(default=Path("var"), description="Folder for all files the services write")
    env: Environment = Field(
        default=Environment.DEMO, description="`demo` or `production`; the trust root must agree"
    )
    database_url: str = Field(
        default_factory=lambda data: f"sqlite:///{data['home']}/certsvc.db",
        min_length=1,
        repr=False,
        description="Address of the issuer's database: SQLite or PostgreSQL",
    )
    journal: str = Field(
        default_factory=lambda data: f"{data['home']}/journal",
        min_length=1,
        description="Folder of the journal, on another disk than the database; `off`: none",
    )
    keys_url: str = Field(
        default_factory=lambda data: f"file:{data['home']}/keys",
        pattern=r"^[a-z][a-z0-9+]*:.+$",
        repr=False,
        description="Key store by URI scheme",
    )
    keys_passphrase_file: Path = Field(
        default_factory=lambda data: data["home"] / "keys.passphrase",
        description="File with the key store's passphrase, mode 0600",
    )
    signer_socket: Path = Field(
        default_factory=lambda data: data["home"] / "signer" / "signer.sock",
        description="Socket of the signer process, for `certsvc signer` and `certsvc up --signer`",
    )
    key_max_age_days: int = Field(
        default=90, ge=2, le=3650, description="Days that a key signs before its successor does"
    )
    key_max_certificates: int = Field(
        default=100_000,
        ge=10,
        le=100_000_000,
        description="Certificates that a key signs before its successor does",
    )
    key_pre_publish_hours: int = Field(
        default=48,
        ge=0,
        le=2400,
        description="Hours that a key is published before it signs; below 48 only in demos",
    )
    key_destroy_after_days: int = Field(
        default=7, ge=0, le=3650, description="Days that a retired private key is kept"
    )
    software_sm2: bool = Field(
        default=False,
        description="Whether the key store may hold SM2 keys outside certified hardware",
    )
    public_url: BaseAddress = Field(
        default="https://certs.example/",
        description="Public base address: the beginning of every identifier and QR code",
    )
    status_list_size: int = Field(
        default=131_072,
        ge=100_000,
        le=8_000_000,
        description="Places in a new status list; a list hides which of them is looked at",
    )
    issuer_bind: str = Field(
        default="127.0.0.1", min_length=1, description="Address the issuer service listens on"
    )
    issuer_port: int = Field(
        default=8000, ge=1, le=65535, description="Port the issuer service listens on"
    )
    issuer_workers: int = Field(
        default=1,
        ge=0,
        le=256,
        description="Processes of the issuer service; 0 is one for each core",
    )
    verifier_bind: str = Field(
        default="127.0.0.1", min_length=1, description="Address the verifier service listens on"
    )
    verifier_port: int = Field(
        default=8001, ge=1, le=65535, description="Port the verifier service listens on"
    )
    verifier_workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="Processes of the verifier service; 0 is one for each core",
    )
    worker_bind: str = Field(
        default="127.0.0.1", min_length=1, description="Address the worker tells its health on"
    )
    worker_port: int = Field(
        default=8002, ge=0, le=65535, description="Port of the worker's health; 0: none"
    )
    trust_root: Path = Field(
        default_factory=lambda data: data["home"] / "root.json",
        description="The pinned trust root (TUF root.json)",
    )
    trust_url: BaseAddress = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data['issuer_port']}/",
        description="Where the published tree is read from",
    )
    resolvers: Annotated[str, AfterValidator(base_addresses)] = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data['issuer_port']}/",
        description="Issuer services asked for typed codes, with commas; `none`: nobody",
    )
    resolver_clients: Path = Field(
        default_factory=lambda data: data["home"] / "demo" / "verifier.client",
        description="File with the verifier's `client_id:secret`, a line for each resolver, 0600",
    )
    verifier_cache: Path = Field(
        default_factory=lambda data: data["home"] / "verifier-cache",
        description="Folder for the verifier's verified trust and status data",
    )
    gm_profile: bool = Field(
        default=False, description="Whether the verifier accepts SM3 digests (profile `gm`)"
    )
    policies: Path = Field(
        default_factory=lambda data: data["home"] / "policies.json",
        description="File of named policies the verifier service offers; none without the file",
    )
    redis_url: Annotated[str, AfterValidator(redis_address)] = Field(
        default="",
        repr=False,
        description="Redis or Redis Cluster that several machines share; none by default",
    )
    metrics_allow: Annotated[str, AfterValidator(networks)] = Field(
        default="127.0.0.0/8,::1/128",
        description="Who may read `/metrics`: networks with commas, or `none`",
    )
    traces: Traces = Field(
        default=Traces.AUTO,
        description="Traces by OpenTelemetry: `on`, `off`, or `auto`: where a collector is set",
    )
    log_witnesses: str = Field(
        default="",
        description="Verifier keys of the witnesses whose cosignatures the log takes, with commas",
    )
    log_wait_ms: int = Field(
        default=1000,
        ge=0,
        le=10_000,
        description="Longest wait of an answer for its proof from the transparency log, in ms",
    )
    second_person: str = Field(
        default="",
        pattern=r"^([a-z0-9][a-z0-9-]*(,[a-z0-9][a-z0-9-]*)*)?$",
        description="Certificate types that nobody issues alone, with commas; none by default",
    )
    disk_reserve_mb: int = Field(
        default=16,
        ge=0,
        le=1_000_000,
        description="Not ready below so much free disk, in MiB; 0 switches the check off",
    )
    rate_per_second: float = Field(
        default=0.0,
        ge=0,
        le=100_000,
        allow_inf_nan=False,
        description="Requests a second for each client; 0 is no limit",
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read the settings from environment variables.

        Args:
            environ: variables such as `os.environ`; an empty value counts as unset.

        Raises:
            SettingsInvalid: a value is wrong; the message names every such variable.
        """
        values: dict[str, Any] = {
            name: environ[variable(name)]
            for name in cls.model_fields
            if environ.get(variable(name), "") != ""
        }
        try:
            return cls(**values)
        except ValidationError as error:
            raise SettingsInvalid(_explain(error)) from None

    def to_env(self) -> dict[str, str]:
        """The variables that make the same settings again, each one set: for child processes."""
        return {variable(name): str(getattr(self, name)) for name in type(self).model_fields}

    @property
    def published(self) -> Path:
        """The published tree's folder."""
        return self.home / "published"

    @property
    def second_person_types(self) -> frozenset[str]:
        """Types whose requests wait until a second client agrees to them."""
        return frozenset(filter(None, self.second_person.split(",")))

    @property
    def authorities(self) -> Path:
        """The folder of the certificate authorities."""
        return self.home / "ca"

    @property
    def redis(self) -> SharedAddress | None:
        """Where Redis is, if there is one."""
        return read_address(self.redis_url) if self.redis_url else None

    @property
    def journal_folder(self) -> Path | None:
        """The journal's folder; None where it is switched off."""
        return None if self.journal == "off" else Path(self.journal)

    def keys_passphrase(self) -> bytes:
        """The key store's passphrase, without its final line end.

        Raises:
            SettingsInvalid: the file is missing, empty, or open to group or others.
        """
        name = variable("keys_passphrase_file")
        try:
            mode = self.keys_passphrase_file.stat().st_mode
            secret = self.keys_passphrase_file.read_bytes().rstrip(b"\r\n")
        except OSError as error:
            message = f"{name}: the passphrase file cannot be read ({error.strerror})"
            raise SettingsInvalid(message) from error
        if stat.S_IMODE(mode) & 0o077:
            raise SettingsInvalid(f"{name}: the passphrase file must have mode 0600")
        if not secret:
            raise SettingsInvalid(f"{name}: the passphrase file is empty")
        return secret


def variable(field: str) -> str:
    """The environment variable of a field: `home` is `CERTSVC_HOME`."""
    return PREFIX + field.upper()


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        if item["type"] == "default_factory_not_called":
            continue  # only says that an earlier field was wrong, which has its own line
        reason = item["msg"].removeprefix("Value error, ")
        lines.append(f"{variable(str(item['loc'][0]))}: {reason}")
    return "; ".join(lines)
