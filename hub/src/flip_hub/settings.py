"""Settings of the hub, read once from FLIP_HUB_* variables and passed down."""

from pathlib import Path

from pydantic import BaseModel, Field
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
    page_dir: Path = Field(default=PAGE_OF_CHECKOUT, description="Folder of the built web page.")
    object_store_url: str = Field(default="", description="s3://… for files and results; empty keeps them in data_dir.")
    nets: list[NetSettings] = Field(default=[], description="JSON list of the nets that this hub drives.")
    background: bool = Field(default=True, description="Run scheduler and net followers in this process.")
    token_hours: int = Field(default=12, description="Life of a login token.")
    max_file_bytes: int = Field(default=10 * 2**20, description="Largest file of an app; a FAB holds 10 MiB.")
    max_upload_bytes: int = Field(default=5 * 2**30, description="Largest file or bundle of a resumable upload.")
    max_model_bytes: int = Field(default=20 * 2**30, description="All files of one model together.")
    upload_hours: int = Field(default=24, description="An upload that is not whole by then is given up.")
    scan_seconds: float = Field(default=120, description="Longest time to look into one file; then it is refused.")
    trust_offline_seconds: float = Field(default=45, description="A trust not heard of for so long is shown offline.")
    join_seconds: float = Field(default=90, description="How long a run waits for asked trusts to come online.")
    no_progress_seconds: float = Field(default=6 * 3600, description="A run without any event for so long is stopped.")
    net_lost_seconds: float = Field(default=180, description="A run whose net is silent for so long has failed.")
    deployment_mode: bool = Field(default=False, description="Let runs end, start no new one.")
    stop_seconds: float = Field(
        default=120, description="A stop that a net has not carried out for so long is given up."
    )
    max_active_runs: int = Field(default=1, description="Runs at the same time on one net.")
    max_active_runs_per_project: int = Field(
        default=0, description="Runs of one project at the same time; 0: no quota."
    )

    @property
    def signing_key_file(self) -> Path:
        return self.data_dir / "keys" / "hub_signing_key.pem"
