"""Settings of a trust's agent, read once from FLIP_TRUST_* variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TrustSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="FLIP_TRUST_", frozen=True)

    data_dir: Path = Field(description="State, keys, cache and run folders. Patient data is in here: protect it.")
    hub_url: str = Field(description="The hub, for example https://hub.example. The agent only dials out.")
    omop_path: Path = Field(description="The OMOP research mart, a DuckDB file.")
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
    run_wall_seconds: int = Field(default=6 * 3600, description="Time of one ClientApp, whatever a run asks.")
