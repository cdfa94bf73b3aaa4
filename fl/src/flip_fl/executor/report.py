"""Tell the relay (hub side) or the data API (trust side) something about this run, with the run's own token."""

import json
import logging
import os
import urllib.error
import urllib.request
from typing import Any

log = logging.getLogger(__name__)
ROUND_POLICY = "FLIP_ROUND_POLICY"  # in a ServerApp's environment: `RoundPolicy` as JSON
# Loopback only: no proxy may see a run's token.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


def post(path: str, body: dict[str, Any]) -> None:
    """Best effort: training goes on when the report does not arrive, and the log says so."""
    url, token = os.environ.get("FLIP_URL"), os.environ.get("FLIP_RUN_TOKEN")
    if not url or not token:
        return
    request = urllib.request.Request(
        url + path,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {token}"},
        method="POST",
    )
    try:
        with _open(request, timeout=10):
            pass
    except (urllib.error.URLError, OSError) as error:
        log.warning("the platform did not take a report to %s: %s", path, type(error).__name__)


def place_in_app(error: BaseException) -> str:
    """`app/server_app.py:12` of the innermost frame inside the app, or an empty text."""
    place = ""
    traceback = error.__traceback__
    while traceback is not None:
        parts = traceback.tb_frame.f_code.co_filename.split(os.sep)
        if parts.count("flwr") and "apps" in parts[parts.index("flwr") :]:  # $FLWR_HOME/apps/<fab>/...
            inside = parts[len(parts) - parts[::-1].index("apps") + 1 :]
            place = f"{'/'.join(inside)}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def round_of(message: Any) -> int:
    """What the strategy says in the message's config; 0 where an app numbers nothing."""
    if message.has_content():
        for record in message.content.config_records.values():
            if isinstance(number := record.get("server-round"), int):
                return number
    group = message.metadata.group_id
    return int(group) if group.isdigit() and len(group) < 10 else 0


def root_of(error: BaseException) -> BaseException:
    """What the app raised: Flower wraps it into errors of its own."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
