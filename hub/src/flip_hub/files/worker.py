"""Looks into what was uploaded, in the background of every hub process. Work is leased in the database: two processes
never look at the same file at once, and what a killed one had is taken up by another when the lease ends."""

import asyncio
import contextlib
import hashlib
import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from flip_hub.db import Database, now
from flip_hub.errors import HubError
from flip_hub.events import Listener
from flip_hub.files.arrival import drop, store_bundle, take
from flip_hub.files.deletion import forget_parts, forget_upload
from flip_hub.files.scan.parent import FAILED, advise_folder, scan_file
from flip_hub.files.scan.report import Verdict
from flip_hub.files.service import locked_idle, put_file, tell
from flip_hub.files.shelf import Shelf
from flip_hub.files.tables import ModelFile, ObjectDeletion, Upload, UploadPart
from flip_hub.files.uploads import REJECTED, SCANNING, UPLOADING
from flip_hub.models.tables import Model
from flip_hub.settings import HubSettings

log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 30.0  # an expired lease is not notified
LEASE: Final = timedelta(seconds=60)
MAX_ATTEMPTS: Final = 3
ADVICE_BATCH: Final = 100


class FileWorker:
    def __init__(self, settings: HubSettings, database: Database, shelf: Shelf):
        self._settings, self._database, self._shelf = settings, database, shelf

    async def run_forever(self, listener: Listener) -> None:
        with listener.watch("files") as watch:
            while True:
                try:
                    while await asyncio.to_thread(self.step):
                        pass
                except Exception:  # the worker must outlive one bad file; its lease keeps it from being tried at once
                    log.exception("a step of the file worker failed")
                await watch.wait(LOOK_SECONDS)

    def step(self) -> bool:
        """One piece of work. False when there was none."""
        return self._look_at_upload() or self._advise() or self._expire() or self._delete_objects()

    # --- uploads ---
    def _look_at_upload(self) -> bool:
        with self._database.session() as session:
            upload = session.scalar(
                select(Upload)
                .where(Upload.state == SCANNING, _free(Upload))
                .order_by(Upload.created_at)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if upload is None:
                return False
            upload.leased_until, upload.attempts = now() + LEASE, upload.attempts + 1
            parts = session.scalars(
                select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.offset_bytes)
            )
            keys = [part.object_key for part in parts]
        if upload.attempts > MAX_ATTEMPTS:
            self._refuse(upload, FAILED)
            return True
        with self._leased(upload.id), tempfile.TemporaryDirectory(dir=self._scratch()) as folder:
            try:
                path = Path(folder) / f"upload{PurePosixPath(upload.path).suffix}"  # scanners go by it
                sha256 = self._assemble(keys, path)
                if upload.sha256 and sha256 != upload.sha256:
                    raise HashWrong
                if upload.is_bundle:
                    self._unpack(upload, path)
                else:
                    self._scan(upload, path, sha256)
            except HubError as refusal:
                self._refuse(upload, Verdict(code=refusal.code, reason=refusal.message))
        return True

    def _scratch(self) -> Path:
        folder = self._settings.data_dir / "scratch"
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        return folder

    def _assemble(self, keys: list[str], path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("wb") as sink:
            for key in keys:
                for chunk in self._shelf.objects.stream(key)[1]:
                    digest.update(chunk)
                    sink.write(chunk)
        return digest.hexdigest()

    def _scan(self, upload: Upload, path: Path, sha256: str) -> None:
        verdict = scan_file(upload.path, path, self._settings.scan_seconds)
        if verdict is None:
            return self._again(upload) if upload.attempts < MAX_ATTEMPTS else self._refuse(upload, FAILED)
        if verdict.code:
            return self._refuse(upload, verdict)
        key = self._shelf.reserve(upload.model_id)
        self._shelf.objects.put_file(key, path)

        def keep_it(session: Session, found: Upload, model: Model) -> None:
            locked_idle(session, model)
            put_file(session, model, found.path, key, found.size_bytes, sha256)  # makes room of the upload itself, too

        self._conclude(upload.id, keep_it)

    def _again(self, upload: Upload) -> None:
        log.warning("the scan of upload %s was killed; it is looked into again", upload.id)
        with self._database.session() as session:
            session.execute(update(Upload).where(Upload.id == upload.id).values(leased_until=None))

    def _unpack(self, upload: Upload, path: Path) -> None:
        with path.open("rb") as source:
            stored = store_bundle(self._shelf, self._settings, upload.model_id, source)

        def keep_them(session: Session, found: Upload, model: Model) -> None:
            forget_upload(session, found)
            take(session, self._settings, upload.created_by, model, stored)

        try:
            self._conclude(upload.id, keep_them)
        except HubError:
            drop(self._shelf, stored)
            raise

    def _refuse(self, upload: Upload, verdict: Verdict) -> None:
        """The reason stays until somebody has seen it; the bytes go."""

        def say_no(session: Session, found: Upload, model: Model) -> None:
            forget_parts(session, found)
            found.state, found.reason_code, found.reason = REJECTED, verdict.code, verdict.reason
            found.leased_until = None
            tell(session, found.model_id)

        log.info("upload %s was refused: %s", upload.id, verdict.code)
        self._conclude(upload.id, say_no)

    def _conclude(self, upload_id: UUID, act: Callable[[Session, Upload, Model], None]) -> None:
        """Act on an upload that is still there and still waiting: somebody may have given it up meanwhile."""
        with self._database.session() as session:
            found = session.get(Upload, upload_id)
            if found is None:
                return
            model = session.get_one(Model, found.model_id, with_for_update=True)
            session.refresh(found, with_for_update=True)
            if found.state == SCANNING:
                act(session, found, model)

    @contextmanager
    def _leased(self, upload_id: UUID) -> Iterator[None]:
        done = threading.Event()

        def extend() -> None:
            while not done.wait(LEASE.total_seconds() / 3):
                with contextlib.suppress(SQLAlchemyError), self._database.session() as session:
                    here = update(Upload).where(Upload.id == upload_id)
                    session.execute(here.values(leased_until=now() + LEASE))

        thread = threading.Thread(target=extend, name="upload-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()

    # --- advice ---
    def _advise(self) -> bool:
        with self._database.session() as session:
            due = select(ModelFile).where(ModelFile.advice_due, _free(ModelFile)).order_by(ModelFile.uploaded_at)
            files = session.scalars(due.limit(ADVICE_BATCH).with_for_update(skip_locked=True)).all()
            for file in files:
                file.leased_until = now() + LEASE + timedelta(seconds=self._settings.scan_seconds * 2)
                file.attempts += 1
        if not files:
            return False
        failed_before = any(file.attempts > 1 for file in files)  # one of them may be to blame: look at each alone
        for batch in [[file] for file in files] if failed_before else [list(files)]:
            self._advise_batch(batch)
        return True

    def _advise_batch(self, files: list[ModelFile]) -> None:
        with tempfile.TemporaryDirectory(dir=self._scratch()) as folder:
            for number, file in enumerate(files):
                with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
                    (Path(folder) / f"{number}.py").write_bytes(self._shelf.objects.get(file.object_key))
            advice = advise_folder(Path(folder), self._settings.scan_seconds)
        with self._database.session() as session:
            for number, file in enumerate(files):
                found = session.get(ModelFile, (file.model_id, file.path), with_for_update=True)
                if found is None or found.object_key != file.object_key:
                    continue
                found.leased_until = None
                if advice is not None:
                    found.advice = [one.model_dump() for one in advice.get(f"{number}.py", [])]
                found.advice_due = advice is None and found.attempts < MAX_ATTEMPTS
                tell(session, found.model_id)

    # --- what is over ---
    def _expire(self) -> bool:
        with self._database.session() as session:
            upload = session.scalar(
                select(Upload)
                .where(Upload.state == UPLOADING, Upload.expires_at < now())
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if upload is not None:
                forget_upload(session, upload)
                tell(session, upload.model_id)
            return upload is not None

    def _delete_objects(self) -> bool:
        with self._database.session() as session:
            due = select(ObjectDeletion).where(ObjectDeletion.due_at <= now()).order_by(ObjectDeletion.due_at)
            notes = session.scalars(due.limit(100).with_for_update(skip_locked=True)).all()
            for note in notes:
                self._shelf.objects.delete(note.object_key)
                session.delete(note)
            return bool(notes)


class HashWrong(HubError):
    code, status = "upload_sha256_wrong", 422
    public = "The file that arrived is not the one that was announced: its SHA-256 differs. Upload it again."


def _free(table: type[Upload] | type[ModelFile]):
    return table.leased_until.is_(None) | (table.leased_until < now())
