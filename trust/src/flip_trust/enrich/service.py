"""What an accession's folder holds: what the archive gave, and over it what people and runs added."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final
from uuid import UUID

from flip_trust.enrich import check
from flip_trust.enrich.errors import NameRefused, NotTakenFromApps, ResourceExists, TooLarge
from flip_trust.enrich.store import Enrichments, Resource
from flip_trust.errors import AccessionNotInCohort
from flip_trust.imaging.cache import VIEWS
from flip_trust.imaging.errors import ResourceMissing
from flip_trust.imaging.pipeline import Pipeline
from flip_trust.imaging.study import RECORD
from flip_trust.store import Store

MAX_FILE_BYTES: Final = 512 * 2**20  # in memory, one for each caller
_SCRATCH = ".tmp-"
_RUN: Final = "run"


class Images:
    """The images of accessions, enriched. Thread-safe, and safe beside another process on the same folders."""

    def __init__(self, pipeline: Pipeline, store: Store, enrichments: Enrichments, cache: Path, app_bytes: int = 0):
        self._pipeline, self._store, self.enrichments, self._cache = pipeline, store, enrichments, cache
        self._app_bytes = app_bytes
        for left_over in cache.glob(f"*/{VIEWS}/{_SCRATCH}*"):
            shutil.rmtree(left_over, ignore_errors=True)

    def folder_of(self, project_id: UUID, accession_id: str, types: set[str], run_id: UUID | None = None) -> Path:
        """The accession's folder with what was added to it; it stays while the run `run_id` goes on.

        Raises AccessionNotFound or ResourceMissing.
        """
        accession = accession_id.strip()
        added = self.enrichments.current(project_id, accession)
        if not added:
            return self._pipeline.folder_of(project_id, accession, types, run_id)
        given = self._pipeline.folder_of(project_id, accession, types - {"SEGMENTATION"}, run_id)
        folder = self._view(project_id, given, added)
        if "SEGMENTATION" in types and next(folder.glob("label_*.nii.gz"), None) is None:
            raise ResourceMissing("SEGMENTATION")
        return folder

    def ready(self, project_id: UUID) -> dict[str, Path]:
        """Accessions of the frozen cohort whose images are here now, with their folders; nothing is prepared."""
        found = ((a, self._given(project_id, a)) for a in sorted(self._store.accessions(project_id) or ()))
        return {accession: folder for accession, folder in found if folder}

    def ready_folder(self, project_id: UUID, accession_id: str) -> Path | None:
        """As `folder_of`, where the images are here now; nothing is prepared."""
        given = self._given(project_id, accession_id)
        added = self.enrichments.current(project_id, accession_id.strip()) if given else []
        return self._view(project_id, given, added) if given and added else given

    def _given(self, project_id: UUID, accession_id: str) -> Path | None:
        key = self._pipeline.accession_key(project_id, accession_id.strip())
        folder = self._cache / str(project_id) / key
        return folder if (folder / RECORD).is_file() else None

    def add(
        self, project_id: UUID, accession_id: str, name: str, content: bytes, *, by: str, shared: bool = False
    ) -> Resource:
        """By a member of staff. A name that ends with .nii or .nii.gz is a label; any other lies in `extra`.

        Raises a ResourceRefused of `enrich.errors`, AccessionNotInCohort, or what `folder_of` raises; then nothing has
        changed.
        """
        self._demand(project_id, accession_id, len(content))
        if not name.endswith((".nii", ".nii.gz")):
            return self._keep(project_id, accession_id, check.other_name(name), content, by=by, shared=shared)
        images = _images(self._pipeline.folder_of(project_id, accession_id, {"NIFTI"}))
        suffix, label = check.label_for(content, images, _suffix(name))
        return self._keep(project_id, accession_id, f"{check.LABEL}{suffix}{check.VOLUME}", label, by=by, shared=shared)

    def add_from_run(
        self, project_id: UUID, run_id: UUID, accession_id: str, kind: str, name: str, content: bytes
    ) -> tuple[Resource, Path]:
        """By a ClientApp: never in place of what the archive or the staff gave. Returns where it can be read, too."""
        if not self._app_bytes:
            raise NotTakenFromApps("This trust takes no files from apps. Catch this error to go on without.")
        self._demand(project_id, accession_id, len(content))
        if self.enrichments.bytes_of_run(str(run_id)) + len(content) > self._app_bytes:
            raise TooLarge("This run has added as much as this trust takes from one run. Add fewer or smaller files.")
        given = self._pipeline.folder_of(project_id, accession_id, {"NIFTI"})
        if kind == "SEGMENTATION":
            check.volume_name(name, check.LABEL)
            _, made = check.label_for(content, _images(given), _suffix(name))
        elif kind == "NIFTI":
            check.volume_name(name, check.INPUT)
            made = check.clean_volume(content)
        else:
            raise NameRefused("An app adds SEGMENTATION or NIFTI files; others are not taken.")
        of_others = [one for one in self.enrichments.history(project_id, accession_id) if one.made_by != _RUN]
        if (given / name).exists() or any(one.name == name for one in of_others):
            raise ResourceExists("A file of this name is there and is not the app's own. Give another name.")
        kept = self._keep(project_id, accession_id, name, made, by=_RUN, run_id=str(run_id))
        return kept, self.folder_of(project_id, accession_id, {"NIFTI"}) / name

    def _keep(
        self,
        project_id: UUID,
        accession_id: str,
        name: str,
        content: bytes,
        *,
        by: str,
        run_id: str = "",
        shared: bool = False,
    ) -> Resource:
        return self.enrichments.add(
            project_id, accession_id.strip(), name, content, by=by, run_id=run_id, shared=shared
        )

    def _demand(self, project_id: UUID, accession_id: str, size: int) -> None:
        if accession_id.strip() not in (self._store.accessions(project_id) or ()):
            raise AccessionNotInCohort("This accession is not in the approved cohort.")
        if size > MAX_FILE_BYTES:
            raise TooLarge(f"A file may have up to {MAX_FILE_BYTES // 2**20} MiB.")

    def _view(self, project_id: UUID, given: Path, added: list[Resource]) -> Path:
        """A folder of hard links: the archive's files, and over them the newest of what was added."""
        state = hashlib.sha256((given / RECORD).read_bytes())
        state.update("".join(f"{one.name}/{one.sha256}" for one in added).encode())
        views = self._cache / str(project_id) / VIEWS
        view = views / f"{given.name}-{state.hexdigest()[:16]}"
        if view.is_dir():
            return view
        views.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=views, prefix=_SCRATCH))
        try:
            for file in given.rglob("*"):
                if file.is_file():
                    _link(file, scratch / file.relative_to(given))
            images = _images(given)
            for one in added:
                for target in self._places(project_id, one, images):
                    (scratch / target).unlink(missing_ok=True)
                    _link(self.enrichments.file(one), scratch / target)
            scratch.chmod(0o755)
            os.rename(scratch, view)
        except OSError:
            shutil.rmtree(scratch, ignore_errors=True)
            if not view.is_dir():  # another caller was first
                raise
        return view

    def _places(self, project_id: UUID, one: Resource, images: dict[str, Path]) -> list[str]:
        """Where in the folder a file belongs. A shared label of another project: beside the image it lies on."""
        if not one.name.endswith(check.VOLUME):
            return [f"extra/{one.name}"]
        if one.project_id == project_id or not one.name.startswith(check.LABEL):
            return [one.name]
        try:
            suffix, _ = check.label_for(self.enrichments.file(one).read_bytes(), images, _suffix(one.name))
        except Exception:  # noqa: BLE001 - it was made on other images than this project takes
            return []
        return [f"{check.LABEL}{suffix}{check.VOLUME}"]


def _images(folder: Path) -> dict[str, Path]:
    found = sorted(folder.glob(f"{check.INPUT}*{check.VOLUME}"))
    return {file.name.removeprefix(check.INPUT).removesuffix(check.VOLUME): file for file in found}


def _suffix(name: str) -> str:
    """`2` of label_2.nii.gz; nothing of a name of another form."""
    stem = name.removesuffix(".gz").removesuffix(".nii")
    return stem.removeprefix(check.LABEL) if stem.startswith(check.LABEL) else ""


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:  # another file system
        shutil.copyfile(source, target)
        target.chmod(0o444)
