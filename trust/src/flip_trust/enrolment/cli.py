"""`flip-trust enrol CODE --hub URL`."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flip_trust.enrolment.service import enrol as enrol_steps
from flip_trust.errors import SettingsInvalid
from flip_trust.settings import CONFIG_VARIABLE, OWN_CONFIG, SYSTEM_CONFIG, config_file, node_settings

NEXT = """
Next: `flip-trust doctor` says what is still missing, `flip-trust staff add NAME --role admin` opens the page to you,
`flip-trust serve` starts the agent."""


def enrol(
    code: Annotated[str, typer.Argument(help="The one-time code from the hub's admin.")],
    hub: Annotated[str, typer.Option(help="The hub's address, https://hub.example")],
    ca: Annotated[Path | None, typer.Option(help="CA certificate (PEM), if the hub has its own authority.")] = None,
    proxy: Annotated[str | None, typer.Option(help="Proxy to the hub, http://proxy:3128")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder for state, keys and images.")] = None,
    omop: Annotated[str | None, typer.Option(help="A DuckDB mart, or postgresql://… of a read-only role.")] = None,
    dicom: Annotated[Path | None, typer.Option(help="Folder with DICOM files.")] = None,
    flower: Annotated[Path | None, typer.Option(help="The flip-fl of the Flower environment.")] = None,
    config: Annotated[Path | None, typer.Option(help="Where to write the config file.")] = None,
) -> None:
    """Try the way to the hub, make this trust's key, enrol with a one-time code, and write the config file."""
    given: dict[str, Any] = {"hub_url": hub, "hub_ca_file": ca and ca.absolute(), "hub_proxy": proxy}
    given |= {"data_dir": data_dir and data_dir.absolute(), "dicom_dir": dicom and dicom.absolute()}
    given["fl_command"] = flower and flower.absolute()
    if omop is not None:
        is_url = omop.startswith(("postgresql://", "postgres://"))
        given |= {"omop_url": omop} if is_url else {"omop_path": Path(omop).absolute()}
    given = {name: value for name, value in given.items() if value is not None}
    place = _place(config)
    if place is not None:
        os.environ[CONFIG_VARIABLE] = str(place)
        given = _defaults() | given
    try:
        settings = node_settings(**given)
    except SettingsInvalid as error:
        typer.echo(error.public, err=True)
        raise typer.Exit(1) from None
    for step in enrol_steps(settings, code, place, given):
        typer.echo(step.line, err=not step.fine)
        if not step.fine:
            raise typer.Exit(1)
    typer.echo(NEXT)


def _place(asked: Path | None) -> Path | None:
    """Where the config file goes; None where the environment has the settings already."""
    if asked is not None:
        return asked.absolute()
    if CONFIG_VARIABLE in os.environ or config_file().exists():
        return config_file()
    if "FLIP_TRUST_DATA_DIR" in os.environ:
        return None
    return SYSTEM_CONFIG if os.geteuid() == 0 else OWN_CONFIG.expanduser()


def _defaults() -> dict[str, Any]:
    """What a fresh machine most likely wants, where nothing says it yet."""
    if config_file().exists():
        return {}
    root = os.geteuid() == 0
    found: dict[str, Any] = {
        "data_dir": Path("/var/lib/flip-trust") if root else Path("~/.local/share/flip-trust").expanduser(),
        "page_port": 8460,
    }
    beside = Path(sys.executable).with_name("flip-fl")
    if command := beside if beside.exists() else shutil.which("flip-fl"):
        found["fl_command"] = Path(command)
    return {name: value for name, value in found.items() if f"FLIP_TRUST_{name.upper()}" not in os.environ}
