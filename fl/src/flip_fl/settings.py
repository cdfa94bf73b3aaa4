"""Settings of `flip-fl serve`, read once from FLIP_FL_* variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from flip_contracts.sandbox import SandboxLevel


class FlSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FLIP_FL_", frozen=True)

    data_dir: Path = Field(description="State, keys and run folders of this net.")
    net_key_file: Path = Field(description="File with the bearer key that the hub presents to the FL API.")
    signing_key_file: Path = Field(description="The hub's Ed25519 key (PEM PKCS8) that signs vetted FABs.")
    host: str = Field(default="127.0.0.1", description="Address of the FL API; keep it private.")
    api_port: int = Field(default=8100, description="FL API, called by the hub.")
    relay_port: int = Field(
        default=8101, description="Relay on loopback, called by ServerApps with a run-scoped token."
    )
    superlink_port: int = Field(default=8102, description="SuperLink's loopback door: Control and Runtime APIs.")
    fleet_host: str = Field(default="127.0.0.1", description="Address of the Fleet door, the one trusts reach.")
    fleet_port: int = Field(default=8103, description="SuperLink's Fleet door: nothing but /v1/fleet/.")
    fleet_names: list[str] = Field(default=["localhost"], description="DNS names in the Fleet door's certificate.")
    max_fab_bytes: int = Field(default=10 * 2**20, description="Flower's own limit on a FAB.")
    staged_bytes: int = Field(default=20 * 2**30, description="Files beside the FAB that one run may bring.")
    staged_cache_bytes: int = Field(default=40 * 2**30, description="Such files kept for later runs.")
    app_memory_bytes: int = Field(default=8 * 2**30, description="Memory of one run's ServerApp.")
    app_disk_bytes: int = Field(default=40 * 2**30, description="Disk of one run's ServerApp, results included.")
    app_processes: int = Field(default=256, description="Processes and threads of one run's ServerApp.")
    app_wall_seconds: int = Field(default=24 * 3600, description="Longest life of one ServerApp.")

    sandbox: SandboxLevel = Field(
        default=SandboxLevel.FULL, description="The highest level to try; see docs/sandbox.md."
    )
    sandbox_minimum: SandboxLevel = Field(
        default=SandboxLevel.FULL, description="`flip-fl serve` refuses to start where less holds."
    )

    @property
    def store_file(self) -> Path:
        return self.data_dir / "fl.db"

    @property
    def ca_file(self) -> Path:
        return self.data_dir / "pki" / "ca.crt"

    @property
    def superlink_db(self) -> Path:
        return self.data_dir / "superlink.db"

    @property
    def superlink_address(self) -> str:
        return f"127.0.0.1:{self.superlink_port}"
