"""The files that a ServerApp reads beside its FAB: from the hub, by content, into the run's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flip_contracts.content import ContentStore, ContentWrong, Receiving, StagedFile
from flip_contracts.fl_api import RunSpec
from flip_fl.errors import StagedFileMissing, StagedFileWrong
from flip_fl.store import RunRow


def lay_out(content: ContentStore, run: RunRow, folder: Path) -> list[StagedFile]:
    """Put what is here in its place; the files that are still to come. The folder is made only if there are any."""
    files = _files(run)
    if files:
        folder.mkdir(parents=True, mode=0o755, exist_ok=True)
    missing = {file.sha256: file for file in files if not content.lay_out(file, folder)}
    return list(missing.values())


@contextmanager
def receive(content: ContentStore, run: RunRow, sha256: str) -> Iterator[Receiving]:
    file = next((file for file in _files(run) if file.sha256 == sha256), None)
    if file is None:
        raise StagedFileMissing("The specification of this run names no file of this hash.")
    try:
        with content.receive(file) as receiving:
            yield receiving
    except ContentWrong:
        raise StagedFileWrong("A file did not arrive as it was announced. Send it again.") from None


def _files(run: RunRow) -> list[StagedFile]:
    return RunSpec.model_validate(run.spec).files
