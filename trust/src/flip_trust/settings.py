"""Settings of a trust's agent: FLIP_TRUST_* variables, else the config file that `flip-trust enrol` wrote."""

import os
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from flip_contracts.sandbox import SandboxLevel
from flip_contracts.sql_guard.schema import allowed_columns, names
from flip_trust.errors import SettingsInvalid
from flip_trust.imaging.drivers.settings import PacsSettings
from flip_trust.imaging.plan import Dates, TextCheck

CONFIG_VARIABLE: Final = "FLIP_TRUST_CONFIG"
SYSTEM_CONFIG: Final = Path("/etc/flip-trust/config.toml")
OWN_CONFIG: Final = Path("~/.config/flip-trust/config.toml")


def config_file() -> Path:
    """The config file: the one that is named, else the user's own, else the system's. It need not be there."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    own = OWN_CONFIG.expanduser()
    return own if own.exists() else SYSTEM_CONFIG


class NodeSettings(BaseSettings):
    """What the node needs before it knows of any database or PACS: enrolment, keys, staff, its page."""

    model_config = SettingsConfigDict(env_prefix="FLIP_TRUST_", frozen=True, extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    data_dir: Path = Field(description="State, keys, cache and run folders. Patient data is in here: protect it.")
    hub_url: str = Field(description="The hub, for example https://hub.example. The agent only dials out.")
    hub_ca_file: Path | None = Field(
        default=None, description="CA certificate (PEM) that signed the hub's. Empty: the system's own authorities."
    )
    hub_proxy: str | None = Field(
        default=None, description="Proxy to the hub, http://proxy:3128. Empty: HTTPS_PROXY and NO_PROXY decide."
    )
    page_host: str = Field(
        default="127.0.0.1", description="Address of the page. Any but loopback needs TLS or a trusted proxy."
    )
    page_port: int | None = Field(
        default=None, ge=0, le=65535, description="Port at which the agent serves its page; empty: it does not."
    )
    page_hosts: list[str] = Field(
        default=[], description='Host names by which browsers may ask for the page, beside loopback: ["flip.trust"].'
    )
    page_tls_cert: Path | None = Field(default=None, description="Certificate chain (PEM) of the page.")
    page_tls_key: Path | None = Field(default=None, description="Private key (PEM) of the page's certificate.")
    page_proxies: list[str] = Field(
        default=[], description='Addresses of the reverse proxies that end TLS before the page: ["10.0.0.5"].'
    )

    @field_validator("hub_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError("begins with https://, for example https://hub.example")
        return url.rstrip("/")

    @field_validator("page_proxies")
    @classmethod
    def _addresses(cls, proxies: list[str]) -> list[str]:
        for proxy in proxies:
            ip_network(proxy)
        return proxies

    @model_validator(mode="after")
    def _whole_tls(self) -> "NodeSettings":
        if (self.page_tls_cert is None) != (self.page_tls_key is None):
            raise ValueError("set both of FLIP_TRUST_PAGE_TLS_CERT and FLIP_TRUST_PAGE_TLS_KEY, or none")
        return self


class TrustSettings(NodeSettings):
    model_config = SettingsConfigDict(extra="forbid", env_nested_delimiter="__")

    # Of the fields, not of the whole: it is told together with what else is missing.
    @field_validator("omop_url")
    @classmethod
    def _one_omop(cls, url: SecretStr | None, said: ValidationInfo) -> SecretStr | None:
        if (said.data.get("omop_path") is None) == (url is None):
            raise ValueError("set one of FLIP_TRUST_OMOP_PATH (a DuckDB mart) and FLIP_TRUST_OMOP_URL (PostgreSQL)")
        return url

    @field_validator("pacs")
    @classmethod
    def _one_archive(cls, pacs: PacsSettings | None, said: ValidationInfo) -> PacsSettings | None:
        if (said.data.get("dicom_dir") is None) == (pacs is None):
            raise ValueError("set one of FLIP_TRUST_DICOM_DIR (a folder) and FLIP_TRUST_PACS__KIND (dicomweb or dimse)")
        return pacs

    @model_validator(mode="after")
    def _columns_that_are(self) -> "TrustSettings":
        allowed_columns(names(self.omop_also), names(self.omop_never))
        return self

    omop_path: Path | None = Field(default=None, description="The OMOP research mart, a DuckDB file.")
    omop_url: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Instead of a mart: postgresql://… of the role that `flip-trust omop init-role` made.",
    )
    omop_also: str = Field(
        default="", description="table.column names that cohort SQL may ask beyond the default: note.note_title, …"
    )
    omop_never: str = Field(default="", description="table.column names that it may not ask here.")
    dicom_dir: Path | None = Field(default=None, description="Folder with DICOM files.")
    pacs: PacsSettings | None = Field(
        default=None, validate_default=True, description="Instead of a folder: FLIP_TRUST_PACS__KIND, …"
    )
    image_workers: int = Field(default=2, ge=1, le=64, description="Studies that are converted at the same time.")
    image_cache_gb: float = Field(default=0, ge=0, description="Prepared images, all projects; 0 is without limit.")
    image_retention_days: float = Field(
        default=0,
        ge=0,
        description="Prepared images unused for so long go; 0: when the project ends.",
    )
    image_disk_reserve_gb: float = Field(default=2, ge=0, description="Images are not pulled with less disk free.")
    policy: Path | None = Field(
        default=None,
        description="The policy file; policy.yaml in the data folder if not set. It goes before variables.",
    )
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
    image_dates: Dates = Field(
        default=Dates.DROP,
        description="Dates in de-identified DICOM: drop, or shift by days of their own for each person and project.",
    )
    image_dicom: bool = Field(
        default=True, description="Apps may have de-identified DICOM beside the NIfTI made of it; it is kept for them."
    )
    image_text_check: TextCheck = Field(
        default=TextCheck.AUTO,
        description="Search pixels for text with tesseract: auto (radiographs, PET, derived images, and whatever looks "
        "drawn into) or always.",
    )
    app_resources_mb: int = Field(
        default=4096, ge=0, description="Files that one run may add to accessions here (add_resource); 0 takes none."
    )
    metric_label_pattern: str = Field(
        default=r"[A-Za-z][A-Za-z0-9_.@/-]{0,63}", description="Metric labels that may leave; a regular expression."
    )
    run_memory_bytes: int = Field(default=8 * 2**30, description="Memory of one ClientApp, whatever a run asks.")
    run_disk_bytes: int = Field(default=20 * 2**30, description="Disk of one run here.")
    run_processes: int = Field(default=256, description="Processes and threads of one run, whatever it asks.")
    staged_bytes: int = Field(default=5 * 2**30, ge=0, description="Files beside the FAB that one run may bring here.")
    staged_cache_bytes: int = Field(default=20 * 2**30, ge=0, description="Such files kept for later runs.")
    staged_pickles: bool = Field(
        default=False,
        description="Take pickles (.pt, .pkl, …) among them; the hub has scanned them, yet they are code.",
    )
    sandbox_minimum: SandboxLevel = Field(
        default=SandboxLevel.FULL, description="Runs are refused where less holds: full, process or none."
    )
    gpus: list[str] = Field(default=[], description='GPU slots, one per run: ["0","1"]. Empty: apps run on CPU.')
    run_wall_seconds: int = Field(default=6 * 3600, description="Time of one ClientApp, whatever a run asks.")


def complaints(error: ValidationError) -> list[str]:
    """Each wrong setting by its variable, in plain words; never the value, which may be a password."""
    lines = []
    for one in error.errors(include_input=False, include_url=False):
        name = ".".join(str(part) for part in one["loc"])
        fields = TrustSettings.model_fields
        told = "it is not set" if one["type"] == "missing" else one["msg"].removeprefix("Value error, ")
        told = "there is no such setting" if one["type"] == "extra_forbidden" else told
        about = f" ({fields[name].description})" if name in fields else ""
        lines.append(f"FLIP_TRUST_{name.upper()}: {told}{about}" if name else told)
    return lines


def node_settings(**given: Any) -> NodeSettings:
    """Raises `SettingsInvalid`, which names each wrong setting."""
    try:
        return NodeSettings(**given)
    except ValidationError as error:
        raise SettingsInvalid(_listed(error)) from None


def trust_settings() -> TrustSettings:
    """Raises `SettingsInvalid`, which names each missing or wrong setting."""
    try:
        return TrustSettings()  # type: ignore[call-arg]  # from the environment and the config file
    except ValidationError as error:
        raise SettingsInvalid(_listed(error)) from None


def _listed(error: ValidationError) -> str:
    return "\n  ".join([f"Some settings are missing or wrong; say them in {config_file()}:", *complaints(error)])
