"""One of several processes of `flip-hub serve`: each a hub of its own on the same database."""

import gc
import logging
import sys

from fastapi import FastAPI

from flip_hub import tables  # noqa: F401  every table must be known before the first mapping
from flip_hub.app import create_app
from flip_hub.db import Database
from flip_hub.settings import HubSettings

SWITCH_SECONDS = 0.001  # a request's thread lets the event loop have its turn sooner than after Python's 5 ms


def make() -> FastAPI:
    """For uvicorn, in a process that it has started. The settings come from the environment."""
    settings = HubSettings()  # type: ignore[call-arg]
    set_up_process()
    return make_app(settings, Database(settings.database_url))


def make_app(settings: HubSettings, database: Database) -> FastAPI:
    """For a process that serves nothing else: what is loaded stays, and each look through it would hold up every
    request for 100 ms and more."""
    app = create_app(settings, database)
    gc.collect()
    gc.freeze()
    return app


def set_up_process() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("httpx", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    sys.setswitchinterval(SWITCH_SECONDS)
