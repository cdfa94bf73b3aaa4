"""A list read page by page, by cursor."""

import base64
import json

import pytest
from sqlalchemy import select

from flip_hub.db import now
from flip_hub.nets.tables import NetRow
from flip_hub.paging import CursorInvalid, PageRequest, paged

KEYS = (NetRow.created_at, NetRow.id)


def _add(database, *names: str) -> None:
    """In one transaction and at one moment, so that only the id tells them apart."""
    at = now()
    with database.session() as session:
        session.add_all(NetRow(name=name, last_seen_at=at, created_at=at) for name in names)


def _read(database, limit: int, newest_first: bool = True, between=lambda: None) -> list[str]:
    names, cursor = [], ""
    while True:
        with database.session() as session:
            asked = PageRequest(cursor=cursor, limit=limit)
            page = paged(session, select(NetRow), KEYS, asked, lambda row: row.name, newest_first)
        names += page.items
        if page.next_cursor is None:
            return names
        cursor = page.next_cursor
        between()


@pytest.mark.parametrize("newest_first", [True, False])
def test_pages_give_every_row_once_in_one_order(hub, newest_first):
    _add(hub.database, *"abcdefg")
    whole = _read(hub.database, 200, newest_first)
    assert sorted(whole) == [*"abcdefg", "n"]
    for limit in (1, 2, 3, 8):
        assert _read(hub.database, limit, newest_first) == whole


def test_a_row_that_is_born_between_two_pages_repeats_none_and_hides_none(hub):
    _add(hub.database, *"abcd")
    born = iter("xyzuvw")
    names = _read(hub.database, 2, between=lambda: _add(hub.database, next(born)))
    assert sorted(names) == [*"abcd", "n"]


@pytest.mark.parametrize("values", [[], ["x", "y"], ["2026-11-25T00:00:00", "y"], [1, 2], "ab", {"a": 1}])
def test_a_made_up_cursor_is_refused(hub, values):
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
    for made_up in (cursor, "%%%", "é", cursor[:-3]):
        with hub.database.session() as session, pytest.raises(CursorInvalid):
            paged(session, select(NetRow), KEYS, PageRequest(cursor=made_up, limit=2), lambda row: row.name)
