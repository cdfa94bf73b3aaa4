"""An app's folder on disk, read as the hub would receive it. What stays behind is told, with the reason."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flip_contracts.app_check.fab import GITIGNORE, KEPT_SUFFIXES, MAX_FAB_BYTES, Filter
from flip_contracts.app_check.finding import Finding, found
from flip_contracts.app_check.project import PYPROJECT, check_pyproject


@dataclass(frozen=True, slots=True)
class LeftOut:
    path: str  # relative; a whole folder ends in "/"
    why: str

    @property
    def is_cache(self) -> bool:
        """Whether it is a tool's own: nobody expects a cache or .git to come along."""
        return any(part.startswith(".") or part == "__pycache__" for part in self.path.rstrip("/").split("/"))


@dataclass(slots=True)
class AppFolder:
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])  # what `check_app` takes
    left_out: list[LeftOut] = field(default_factory=list[LeftOut])
    findings: list[Finding] = field(default_factory=list[Finding])  # of reading; `check_app` has the others


def read_folder(root: Path) -> AppFolder:
    """Read what `check_app` needs. Large files and those that never come along are listed and not read.

    Raises NotADirectoryError if `root` is no folder, FileNotFoundError if it has no pyproject.toml.
    """
    if not root.is_dir():
        raise NotADirectoryError(str(root))
    if not (root / PYPROJECT).is_file():
        raise FileNotFoundError(str(root / PYPROJECT))
    app = AppFolder()
    for name in (PYPROJECT, GITIGNORE):
        if (root / name).is_file():
            _read(root / name, name, app)
    ignoring, _ = Filter.of(app.files, None)
    walked = {path.relative_to(root).as_posix(): (path, link) for path, link in _walk(root, root, ignoring, app)}
    names = {name: app.files.get(name, b"") for name, (_, link) in walked.items() if not link}
    chosen, _ = Filter.of(names, check_pyproject(app.files)[0])
    for name, (path, link) in walked.items():
        if name in app.files or any(f.file == name for f in app.findings):
            continue
        if link:
            message = "This symbolic link does not come along: Flower ignores links."
            app.findings.append(found("symlink_left_out", message, "Copy what it points to into the app.", name))
            app.left_out.append(LeftOut(name, "symbolic links are left out"))
            continue
        why = chosen.why_dropped(name)
        if why:
            app.left_out.append(LeftOut(name, why))
        if why and path.suffix not in KEPT_SUFFIXES:
            app.files[name] = b""  # only its name matters
        else:
            _read(path, name, app, is_taken=why is None)
    return app


def _walk(folder: Path, root: Path, chosen: Filter, app: AppFolder) -> Iterator[tuple[Path, bool]]:
    """Files and links below `folder`, and whether each is a link."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as exc:
        name = folder.relative_to(root).as_posix() + "/"
        app.findings.append(_unreadable(name, exc))
        return
    for entry in entries:
        path = folder / entry.name
        name = path.relative_to(root).as_posix()
        if entry.is_symlink():
            yield path, True
        elif entry.is_dir():
            why = _why_pruned(path, name, chosen)
            if why is None:
                yield from _walk(path, root, chosen, app)
                continue
            app.left_out.append(LeftOut(f"{name}/", why))
            if chosen.ignored.match_folder(name):  # an import of one of these should say that it is left out
                app.files |= {p.relative_to(root).as_posix(): b"" for p in path.rglob("*.py")}
        elif entry.name.startswith(".") and name != GITIGNORE:
            app.left_out.append(LeftOut(name, "hidden files are left out"))
        else:
            yield path, False


def _why_pruned(path: Path, name: str, chosen: Filter) -> str | None:
    """Why nothing in a folder comes along, or None."""
    if path.name.startswith("."):
        return "hidden folders are left out"
    if path.name == "__pycache__":
        return "compiled files are left out"
    if (path / "pyvenv.cfg").exists():
        return "a virtual environment is left out"
    if chosen.ignored.match_folder(name):
        return "the root's .gitignore leaves it out"
    return None


def _read(path: Path, name: str, app: AppFolder, is_taken: bool = True) -> None:
    try:
        if not path.is_file():
            raise OSError("it is not a plain file")
        size = path.stat().st_size
        if size <= MAX_FAB_BYTES:
            app.files[name] = path.read_bytes()
            return
    except OSError as exc:
        app.findings.append(_unreadable(name, exc))
        return
    if not is_taken:
        app.files[name] = b""
        return
    message = f"This file has {size / 2**20:.1f} MiB; the whole app may have {MAX_FAB_BYTES // 2**20}. It was not read."
    app.findings.append(found("file_too_large", message, "Remove it, or name it in fab-exclude.", name))


def _unreadable(name: str, exc: OSError) -> Finding:
    reason = exc.strerror or str(exc)
    remedy = "Give yourself the right to read it, or move it out of the app."
    return found("file_unreadable", f"It cannot be read: {reason}.", remedy, name)
