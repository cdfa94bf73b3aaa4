"""Settings of the hub, read once from FLIP_HUB_* variables and passed down."""

import ipaddress
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PAGE_OF_CHECKOUT = Path(__file__).parents[3] / "ui" / "dist"


class NetSettings(BaseModel):
    name: str = Field(description="Name of the net, for people.")
    url: str = Field(description="Where its FL API answers.")
    key_file: Path = Field(description="File with the bearer key of that FL API.")
    ca_file: Path = Field(description="CA certificate (PEM) of its SuperLink, given to trusts in the run manifest.")
    superlink: str = Field(description="host:port of its Fleet door, as trusts reach it.")


class HubSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FLIP_HUB_", frozen=True)

    data_dir: Path = Field(description="Keys, embedded database and files.")
    database_url: str = Field(default="", description="PostgreSQL URL; empty starts an embedded one in data_dir.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, description="Port to listen on.")
    workers: int = Field(
        default=1, ge=1, le=64, description="Processes that serve, each a hub of its own; about one per processor."
    )
    page_dir: Path = Field(default=PAGE_OF_CHECKOUT, description="Folder of the built web page.")
    object_store_url: str = Field(default="", description="s3://… for files and results; empty keeps them in data_dir.")
    omop_also: str = Field(
        default="",
        description="table.column names beyond the default that a trust lets cohort SQL ask",
    )
    nets: list[NetSettings] = Field(default=[], description="JSON list of the nets that this hub drives.")
    background: bool = Field(default=True, description="Run scheduler and net followers in this process.")
    public_url: str = Field(
        default="", description="Where people reach this hub, https://…; empty: http://127.0.0.1 and the port."
    )
    token_hours: int = Field(default=12, ge=1, description="Life of a login, in the browser and of `flip login`.")
    session_idle_minutes: int = Field(default=240, ge=5, description="A browser's login unused for so long ends.")
    token_max_days: int = Field(default=365, ge=1, description="Longest life of an API token.")
    require_totp: bool = Field(default=True, description="Who logs in by password needs an authenticator app too.")
    login_tries: int = Field(default=10, ge=1, description="Failed logins of one account before it is locked.")
    login_tries_per_address: int = Field(default=100, ge=1, description="Failed logins from one address before it is.")
    login_lock_minutes: int = Field(default=15, ge=1, description="How long such a lock lasts.")
    reset_code_minutes: int = Field(default=60, ge=5, description="Life of a code to choose a new password.")
    invitation_days: int = Field(default=14, ge=1, description="Life of an invitation.")
    access_requests: bool = Field(default=True, description="People without an account may ask for one.")
    smtp_host: str = Field(default="", description="Mail server; empty: mails are kept in the outbox, for an admin.")
    smtp_port: int = Field(default=587, description="Its port.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How to encrypt to it.")
    smtp_user: str = Field(default="", description="User name at the mail server; empty: none is sent.")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Its password.")
    mail_from: str = Field(default="flip@localhost", description="Sender of the hub's mails.")
    oidc_issuer: str = Field(default="", description="Issuer URL of your organisation's login; empty: no such login.")
    oidc_client_id: str = Field(default="", description="Client id of this hub there.")
    oidc_client_secret: SecretStr = Field(default=SecretStr(""), description="Its secret; empty for a public client.")
    oidc_name: str = Field(default="your organisation", description="What the button says: Log in with …")
    oidc_scope: str = Field(default="openid email profile", description="What is asked of it.")
    oidc_new_role: Literal["", "researcher", "viewer"] = Field(
        default="",
        description="Role of a newcomer who logs in there; empty: only people with an account or invitation.",
    )
    max_file_bytes: int = Field(default=10 * 2**20, description="Largest file of an app; a FAB holds 10 MiB.")
    max_upload_bytes: int = Field(default=5 * 2**30, description="Largest file or bundle of a resumable upload.")
    max_model_bytes: int = Field(default=20 * 2**30, description="All files of one model together.")
    streams_per_user: int = Field(
        default=20, ge=1, description="Live streams of one person at the same time, in one process."
    )
    upload_hours: int = Field(default=24, description="An upload that is not whole by then is given up.")
    scan_seconds: float = Field(default=120, description="Longest time to look into one file; then it is refused.")
    trust_offline_seconds: float = Field(default=45, description="A trust not heard of for so long is shown offline.")
    join_seconds: float = Field(default=90, description="How long a run waits for asked trusts to come online.")
    code_review_seconds: float = Field(
        default=24 * 3600, description="How long a run waits for trusts whose staff look at its app first."
    )
    no_progress_seconds: float = Field(default=6 * 3600, description="A run without any event for so long is stopped.")
    net_lost_seconds: float = Field(default=180, description="A net that is silent for so long gets no new run.")
    net_gone_seconds: float = Field(
        default=6 * 3600, description="A run whose net is silent for so long has failed; until then it waits for it."
    )
    deployment_mode: bool = Field(default=False, description="Let runs end, start no new one.")
    stop_seconds: float = Field(
        default=120, description="A stop that a net has not carried out for so long is given up."
    )
    max_active_runs: int = Field(default=1, description="Runs at the same time on one net.")
    max_active_runs_per_project: int = Field(
        default=0, description="Runs of one project at the same time; 0: no quota."
    )

    @model_validator(mode="after")
    def _address_is_safe(self) -> "HubSettings":
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("FLIP_HUB_PUBLIC_URL is not an address. Example: https://hub.example")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            raise ValueError("FLIP_HUB_PUBLIC_URL must be https://, or logins would travel in clear.")
        return self

    @property
    def base_url(self) -> str:
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def secure_cookies(self) -> bool:
        return self.base_url.startswith("https:")

    @property
    def secret_key_file(self) -> Path:
        return self.data_dir / "keys" / "hub_secrets.key"

    @property
    def signing_key_file(self) -> Path:
        return self.data_dir / "keys" / "hub_signing_key.pem"


class SettingRead(BaseModel):
    """`value` is null for a secret; `is_set` tells whether it differs from the default."""

    name: str
    description: str
    value: str | None
    is_set: bool


def shown(settings: HubSettings) -> list[SettingRead]:
    """All settings as an admin may see them."""
    return [
        SettingRead(
            name=f"FLIP_HUB_{name.upper()}",
            description=field.description or "",
            value=_without_secrets(getattr(settings, name)),
            is_set=getattr(settings, name) != field.get_default(),
        )
        for name, field in HubSettings.model_fields.items()
    ]


def _without_secrets(value: Any) -> str | None:
    if isinstance(value, SecretStr):
        return None
    if isinstance(value, list):
        return "; ".join(_without_secrets(one) or "" for one in value)
    if isinstance(value, BaseModel):
        return ", ".join(f"{key}={_without_secrets(one)}" for key, one in value)
    return re.sub(r"(?<=//)[^/@\s]*@", "…@", str(value))  # user and password of a URL


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
