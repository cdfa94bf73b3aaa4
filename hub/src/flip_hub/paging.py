"""Lists in pages. A cursor names the last row seen: rows that come or go in between are neither repeated nor lost."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Query
from pydantic import BaseModel
from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from flip_hub.errors import FieldInvalid

Row = TypeVar("Row")
Item = TypeVar("Item")
DEFAULT_LIMIT, MAX_LIMIT = 50, 200


class CursorInvalid(FieldInvalid):
    code: ClassVar[str] = "cursor_invalid"
    public: ClassVar[str] = "This cursor is not one of this list. Start again without `cursor`."


class Page(BaseModel, Generic[Item]):
    """`next_cursor` asks for what follows; null on the last page."""

    items: list[Item]
    next_cursor: str | None


class PageRequest(BaseModel):
    cursor: str
    limit: int


async def _page_request(
    cursor: Annotated[str, Query(max_length=500, description="`next_cursor` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT,
) -> PageRequest:
    return PageRequest(cursor=cursor, limit=limit)


AskedPage = Annotated[PageRequest, Depends(_page_request)]


def paged(
    session: Session,
    query: Select[Row],
    keys: Sequence[InstrumentedAttribute[Any]],
    asked: PageRequest,
    read: Callable[[Row], Item],
    newest_first: bool = True,
) -> Page[Item]:
    """One page of `query`, which selects one entity and has no order of its own.

    `keys` are columns of that entity which together are unique, such as `(Project.created_at, Project.id)`: the list
    is in their order, descending if `newest_first`.
    """
    if asked.cursor:
        after = _decoded(asked.cursor, keys)
        query = query.where(tuple_(*keys) < after if newest_first else tuple_(*keys) > after)
    order = [key.desc() if newest_first else key.asc() for key in keys]
    rows = list(session.scalars(query.order_by(*order).limit(asked.limit + 1)))
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    last = [getattr(rows[-1], key.key) for key in keys] if more else None
    return Page(items=[read(row) for row in rows], next_cursor=_encoded(last) if last else None)


def _encoded(values: Sequence[Any]) -> str:
    text = json.dumps([v.isoformat() if isinstance(v, datetime) else str(v) for v in values])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decoded(cursor: str, keys: Sequence[InstrumentedAttribute[Any]]) -> tuple[Any, ...]:
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return tuple(_value(key.type.python_type, text) for key, text in zip(keys, values, strict=True))
    except (ValueError, TypeError):
        raise CursorInvalid from None


def _value(kind: type, text: str) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError
        return moment
    if kind is int:
        number = int(text)
        if abs(number) >= 2**63:
            raise ValueError
        return number
    if kind is UUID:
        return UUID(text)
    if not isinstance(text, str) or "\0" in text:
        raise ValueError
    return text
