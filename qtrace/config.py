"""The one typed table of settings; `qtrace config` and docs/admin/settings.md are made from it."""

import os
import re
import secrets
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

PREFIX = "QTRACE_"


@dataclass(frozen=True)
class Setting:
    """One setting: its name without prefix, default, help, and whether it is a secret."""

    name: str
    default: str
    help: str
    secret: bool = False


SETTINGS = (
    Setting("DATA_DIR", "var", "The one volume: database, files, backups, secret key."),
    Setting("DATABASE_URL", "", "Database; empty means SQLite in the data dir, else postgresql+psycopg://…"),
    Setting("BASE_URL", "http://127.0.0.1:8000", "Address people use; links in mails and prints start with it."),
    Setting("COMPANY", "", "Name of the company at the head of printed pages."),
    Setting("GS1_PREFIX", "", "GS1 company prefix of 6 to 12 digits; boxes get an SSCC and lots an EPC URN with it."),
    Setting("TRUSTED_HOSTS", "", "Further host names that are answered, separated by commas."),
    Setting("SECRET_KEY", "", "Signing key of at least 32 characters; made on first start when empty.", secret=True),
    Setting("LANG", "zh", "Language of new users: zh or en."),
    Setting("TZ", "Asia/Shanghai", "Time zone in which times are shown and months are counted."),
    Setting("TRUSTED_PROXIES", "0", "How many reverse proxies stand in front and set X-Forwarded-* headers."),
    Setting("SQLITE_SYNCHRONOUS", "FULL", "FULL or NORMAL."),
    Setting("MAX_UPLOAD_MB", "64", "Largest request body."),
    Setting("WORKERS", "2", "Web processes."),
    Setting("THREADS", "4", "Threads of each web process."),
    Setting("RATE_FACTOR", "1", "Multiplies every rate limit; 0 switches them off (for load tests only)."),
    Setting(
        "NET_ALLOW",
        "",
        "Private networks webhooks may reach, like 192.168.1.20 or 10.0.0.0/8, separated by commas; there http is allowed too.",
    ),
    Setting(
        "MAIL_URL",
        "",
        "Mail server notices leave by: smtp://user:password@host:587 (with STARTTLS) or smtps://…:465; empty sends none.",
        secret=True,
    ),
    Setting("ADMIN_USER", "", "Creates this administrator on first start (headless installation)."),
    Setting("ADMIN_PASSWORD", "", "Password of that administrator.", secret=True),
    Setting("LOG", "text", "Log format: text or json."),
)

BY_NAME = {setting.name: setting for setting in SETTINGS}


class BadSetting(Exception):
    """A setting has a value the program refuses to start with."""


@dataclass(frozen=True)
class Config:
    """Every setting's value and where it came from (default, env, file, generated)."""

    values: Mapping[str, str]
    sources: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    @property
    def data_dir(self) -> Path:
        """Return the volume's path, absolute."""
        return Path(self["DATA_DIR"]).resolve()

    @property
    def database_url(self) -> str:
        """Return the database's SQLAlchemy URL."""
        return self["DATABASE_URL"] or f"sqlite:///{self.data_dir / 'qtrace.db'}"

    def number(self, name: str) -> int:
        """Return a setting as a whole number."""
        try:
            return int(self[name])
        except ValueError:
            raise BadSetting(f"{PREFIX}{name} must be a whole number, not {self[name]!r}") from None

    def networks(self, name: str) -> tuple[IPv4Network | IPv6Network, ...]:
        """Return a setting as networks; a single address is a network of one."""
        try:
            return tuple(ip_network(part.strip()) for part in self[name].split(",") if part.strip())
        except ValueError as error:
            raise BadSetting(f"{PREFIX}{name} must list addresses or networks: {error}") from None


def load(environ: Mapping[str, str] | None = None) -> Config:
    """Read the settings from the environment, make the data dir and the secret key when they are missing."""
    environ = os.environ if environ is None else environ
    values: dict[str, str] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        values[setting.name], sources[setting.name] = _value(setting, environ)
    _warn_unknown(environ)
    config = Config(values, sources)
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True)
        if not values["SECRET_KEY"]:
            values["SECRET_KEY"], sources["SECRET_KEY"] = _kept_key(config.data_dir), "generated"
    except PermissionError as error:
        raise BadSetting(
            f"{error.filename} is closed to user {os.getuid()}: {PREFIX}DATA_DIR must belong to the user who runs qtrace"
            f" (chown -R {os.getuid()} {config.data_dir})"
        ) from None
    if len(values["SECRET_KEY"]) < 32:
        raise BadSetting(f"{PREFIX}SECRET_KEY is too short: give at least 32 random characters or leave it empty")
    if values["LANG"] not in {"zh", "en"}:
        raise BadSetting(f"{PREFIX}LANG must be zh or en, not {values['LANG']!r}")
    if values["GS1_PREFIX"] and not re.fullmatch("[0-9]{6,12}", values["GS1_PREFIX"]):
        raise BadSetting(f"{PREFIX}GS1_PREFIX must be 6 to 12 digits, not {values['GS1_PREFIX']!r}")
    if values["SQLITE_SYNCHRONOUS"] not in {"FULL", "NORMAL"}:
        raise BadSetting(f"{PREFIX}SQLITE_SYNCHRONOUS must be FULL or NORMAL, not {values['SQLITE_SYNCHRONOUS']!r}")
    return config


def _value(setting: Setting, environ: Mapping[str, str]) -> tuple[str, str]:
    key = PREFIX + setting.name
    if f"{key}_FILE" in environ:
        return Path(environ[f"{key}_FILE"]).read_text(encoding="utf-8").strip(), "file"
    if key in environ:
        return environ[key], "env"
    return setting.default, "default"


def _warn_unknown(environ: Mapping[str, str]) -> None:
    for key in environ:
        if key.startswith(PREFIX) and not key.startswith(f"{PREFIX}TEST_"):
            name = key.removeprefix(PREFIX).removesuffix("_FILE")
            if name not in BY_NAME:
                warnings.warn(f"unknown setting {key}; `qtrace config` lists the known ones", stacklevel=3)


def _kept_key(data_dir: Path) -> str:
    path = data_dir / "secrets" / "secret_key"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as handle:
            handle.write(secrets.token_hex(32))
    return path.read_text(encoding="utf-8").strip()
