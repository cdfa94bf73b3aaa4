"""What went wrong, told from the app's point of view: its own frames with file:line, without framework noise."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass(frozen=True, slots=True)
class Failure:
    """`place` is `app/client_app.py:24`, the innermost line of the app; empty if the app's code was not reached."""

    error_class: str
    message: str
    place: str
    text: str
    full: str


def failure_of(error: BaseException, root: Path) -> Failure:
    """Describe `error` for a person who wrote the app in `root`."""
    chain = list(_chain(error))
    parts = [_told(one, root) for one in chain]
    place = next((found for one in chain if (found := _place(one, root))), "")
    text = "\nwhich came of\n".join(parts)
    return Failure(type(error).__name__, str(error), place, text, "".join(traceback.format_exception(error)))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what it came of, as Python's own tracebacks link them."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _told(error: BaseException, root: Path) -> str:
    lines = [f"{type(error).__name__}: {error}".rstrip(": ")]
    if isinstance(error, SyntaxError) and error.filename:
        lines.append(f"  {_relative(Path(error.filename), root)}:{error.lineno}")
        lines += [f"    {error.text.strip()}"] if error.text else []
        return "\n".join(lines)
    hidden, innermost = 0, ""
    for path, line, function in _frames(error.__traceback__):
        if _in_app(path, root):
            lines.append(f"  {_relative(path, root)}:{line} in {function}")
            source = linecache.getline(str(path), line).strip()
            lines += [f"    {source}"] if source else []
            hidden, innermost = 0, ""
        else:
            hidden, innermost = hidden + 1, f"{'/'.join(path.parts[-3:])}:{line}"
    if len(lines) > 1 and hidden:
        lines.append(f"  and then {hidden} frame(s) of libraries, the last at {innermost}")
    elif hidden and len(lines) == 1:
        lines.append(f"  outside the app, at {innermost} (--full-traceback shows every frame)")
    return "\n".join(lines)


def _place(error: BaseException, root: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename and _in_app(Path(error.filename), root):
        return f"{_relative(Path(error.filename), root)}:{error.lineno}"
    inside = [(path, line) for path, line, _ in _frames(error.__traceback__) if _in_app(path, root)]
    return f"{_relative(inside[-1][0], root)}:{inside[-1][1]}" if inside else ""


def _frames(trace: TracebackType | None) -> Iterator[tuple[Path, int, str]]:
    while trace is not None:
        code = trace.tb_frame.f_code
        yield Path(code.co_filename), trace.tb_lineno, code.co_name
        trace = trace.tb_next


def _in_app(path: Path, root: Path) -> bool:
    return path.is_relative_to(root) and "site-packages" not in path.relative_to(root).parts


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
