"""When a project ends at this trust its images are deleted, and a certificate says what was deleted, and when."""

import json
import logging
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel

from flip_trust.imaging.ledger import Ledger
from flip_trust.imaging.pipeline import Pipeline
from flip_trust.keys import TrustKey, is_signed_by

log = logging.getLogger(__name__)
_STATEMENT = (
    "These files were removed from the trust's image cache and their folders no longer exist there. Names are keyed "
    "hashes: they name nobody. What copies of the disk (backups, snapshots) hold is not covered."
)


class DeletedFile(BaseModel, frozen=True):
    """`study` is the keyed hash that the ledger called the accession by."""

    study: str
    name: str
    bytes: int
    sha256: str


class DeletionCertificate(BaseModel, frozen=True):
    trust: str
    project_id: UUID
    reason: str
    began_at: datetime
    ended_at: datetime
    files: list[DeletedFile]
    statement: str = _STATEMENT
    public_key: str


class SignedCertificate(BaseModel, frozen=True):
    """`signature`: Ed25519 over the certificate, by the key whose public half it names and the hub knows."""

    certificate: DeletionCertificate
    signature: str

    def holds(self, public_key: str) -> bool:
        return self.certificate.public_key == public_key and is_signed_by(public_key, self.certificate, self.signature)


class Deletions:
    def __init__(self, folder: Path, pipeline: Pipeline, ledger: Ledger, key: TrustKey):
        self._folder, self._pipeline, self._ledger, self._key = folder, pipeline, ledger, key

    def held(self) -> set[UUID]:
        """Projects of which there is something in the image cache."""
        found: set[UUID] = set()
        for path in self._pipeline.cache.folder.iterdir():
            try:
                found.add(UUID(path.name))
            except ValueError:
                continue  # the index and the locks
        return found

    def delete(self, project_id: UUID, trust: str, reason: str) -> Path | None:
        """Everything of the project; nothing of it may be in preparation. Returns the certificate's file.

        Taken up again after a crash: what is to be deleted is written down before the first file goes.
        """
        cache, began = self._pipeline.cache, datetime.now(UTC)
        plan = self._folder / f".{project_id}.json"
        if plan.exists():
            planned = json.loads(plan.read_text())
            began, files = datetime.fromisoformat(planned["began"]), planned["files"]
        else:
            files = [
                DeletedFile(study=key, name=f.name, bytes=f.bytes, sha256=f.sha256).model_dump()
                for key in cache.keys(project_id)
                for f in cache.files(project_id, key)
            ]
            _write(plan, json.dumps({"began": began.isoformat(), "files": files}))
        for key in cache.keys(project_id):
            with self._pipeline.locked(key):
                cache.drop(project_id, key)
        shutil.rmtree(cache.folder / str(project_id), ignore_errors=True)  # pulls that were under way, strays
        if (cache.folder / str(project_id)).exists():
            log.error("images of project %s could not be deleted; this is tried again", project_id)
            return None
        self._ledger.forget(project_id)
        made = DeletionCertificate(
            trust=trust,
            project_id=project_id,
            reason=reason,
            began_at=began,
            ended_at=datetime.now(UTC),
            files=[DeletedFile(**file) for file in files],
            public_key=self._key.public,
        )
        signed = SignedCertificate(certificate=made, signature=self._key.sign(made))
        target = self._folder / f"{project_id}-{made.ended_at:%Y%m%dT%H%M%S%fZ}.json"
        _write(target, signed.model_dump_json(indent=1))
        plan.unlink()
        log.info("images of project %s are deleted: %d files", project_id, len(files))
        return target

    def certificates(self, project_id: UUID) -> list[SignedCertificate]:
        """Oldest first."""
        files = sorted(self._folder.glob(f"{project_id}-*.json"))
        return [SignedCertificate.model_validate_json(file.read_text()) for file in files]


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w") as sink:
        sink.write(text)
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(path)
