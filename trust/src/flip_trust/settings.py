"""Settings of a trust's agent, read once from FLIP_TRUST_* variables."""

from pathlib import Path

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from flip_contracts.sandbox import SandboxLevel
from flip_contracts.sql_guard.schema import allowed_columns, names


class TrustSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FLIP_TRUST_", frozen=True)

    @model_validator(mode="after")
    def _one_omop(self) -> "TrustSettings":
        if (self.omop_path is None) == (self.omop_url is None):
            raise ValueError("set one of FLIP_TRUST_OMOP_PATH (a DuckDB mart) and FLIP_TRUST_OMOP_URL (PostgreSQL)")
        allowed_columns(names(self.omop_also), names(self.omop_never))
        return self

    data_dir: Path = Field(description="State, keys, cache and run folders. Patient data is in here: protect it.")
    hub_url: str = Field(description="The hub, for example https://hub.example. The agent only dials out.")
    omop_path: Path | None = Field(default=None, description="The OMOP research mart, a DuckDB file.")
    omop_url: SecretStr | None = Field(
        default=None, description="Instead of a mart: postgresql://… of the role that `flip-trust omop init-role` made."
    )
    omop_also: str = Field(
        default="", description="table.column names that cohort SQL may ask beyond the default: note.note_title, …"
    )
    omop_never: str = Field(default="", description="table.column names that it may not ask here.")
    dicom_dir: Path = Field(description="Folder with DICOM files.")
    fl_command: Path = Field(description="The flip-fl executable of the Flower environment.")
    threshold: int = Field(default=10, ge=1, le=256, description="Fewer distinct persons than this are never told.")
    round_to: int = Field(default=10, ge=1, description="Counts that leave are rounded to this.")
    tell_zero: bool = Field(default=False, description="Tell nobody (0) from fewer than the threshold.")
    project_queries_per_day: int = Field(default=50, ge=1, description="Cohort queries of one project a day.")
    user_queries_per_day: int = Field(default=100, ge=1, description="Cohort queries of one user a day, all projects.")
    compare_all_projects: bool = Field(
        default=False, description="Compare a query with those of every project, against people who work together."
    )
    epsilon_per_column: float = Field(
        default=0.0, ge=0, description="Differential privacy of one histogram of numbers or dates; 0 is without."
    )
    epsilon_per_project: float = Field(default=10.0, ge=0, description="Epsilon that one project may spend, ever.")
    query_seconds: float = Field(default=20, description="Longest time of one cohort query.")
    query_memory_mb: int = Field(default=512, description="Memory of one cohort query.")
    workers: int = Field(default=4, ge=1, description="Tasks at the same time.")
    claim_wait_seconds: float = Field(default=20, description="Length of one long poll.")
    data_api_port: int = Field(default=0, description="Port of the local data API; 0 takes a free one.")
    metric_label_pattern: str = Field(
        default=r"[A-Za-z][A-Za-z0-9_.@/-]{0,63}", description="Metric labels that may leave; a regular expression."
    )
    run_memory_bytes: int = Field(default=8 * 2**30, description="Memory of one ClientApp, whatever a run asks.")
    run_disk_bytes: int = Field(default=20 * 2**30, description="Disk of one run here.")
    run_processes: int = Field(default=256, description="Processes and threads of one run, whatever it asks.")
    sandbox_minimum: SandboxLevel = Field(
        default=SandboxLevel.FULL, description="Runs are refused where less holds: full, process or none."
    )
    gpus: list[str] = Field(default=[], description='GPU slots, one per run: ["0","1"]. Empty: apps run on CPU.')
    run_wall_seconds: int = Field(default=6 * 3600, description="Time of one ClientApp, whatever a run asks.")
