"""The migrations make exactly the tables that the code describes."""

from pathlib import Path

from alembic import command
from alembic.config import Config

import flip_hub


def test_the_schema_has_not_drifted(database):
    config = Config()
    config.set_main_option("script_location", str(Path(flip_hub.__file__).parent / "migrations"))
    config.attributes["url"] = database.url
    command.check(config)
