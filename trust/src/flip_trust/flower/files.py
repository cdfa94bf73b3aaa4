"""Files of a run's app that its FAB cannot hold: fetched from the hub by the hash in the signed manifest."""

import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final

from flip_contracts.content import ContentStore, ContentWrong, Receiving, StagedFile
from flip_contracts.manifest import RunManifest
from flip_trust.errors import (
    HubRefused,
    HubUnreachable,
    StagedFilesTooLarge,
    StagedFileUnavailable,
    StagedFileWrong,
    StagedPickleRefused,
)
from flip_trust.hub_client import HubClient
from flip_trust.settings import TrustSettings

PICKLES: Final = frozenset({".pt", ".pth", ".pkl", ".pickle"})
TRIES: Final = 6  # in a row without a further byte
LONGEST_PAUSE: Final = 8.0


class StagedFiles:
    def __init__(self, settings: TrustSettings, hub: Callable[[], HubClient]):
        self._settings, self._hub = settings, hub
        self._content = ContentStore(settings.data_dir / "files", settings.staged_cache_bytes)
        self._one_at_a_time = threading.Lock()  # two runs of one model want the same file once

    def fetch(self, manifest: RunManifest, folder: Path) -> None:
        """Lay the manifest's files out in `folder`. Nothing is fetched if one of them may not be here."""
        self._refuse(manifest.files)
        if not manifest.files:
            return
        folder.mkdir(parents=True, mode=0o755, exist_ok=True)
        with self._one_at_a_time:
            missing = [file for file in manifest.files if not self._content.lay_out(file, folder)]
            if missing:
                hub = self._hub()
                try:
                    for file in missing:
                        if not self._content.lay_out(file, folder):  # unless it has another's content
                            self._fetch(hub, manifest, file)
                            self._content.lay_out(file, folder)
                finally:
                    hub.close()
        self._content.prune()

    def _refuse(self, files: list[StagedFile]) -> None:
        size, most = sum(file.size_bytes for file in files), self._settings.staged_bytes
        if size > most:
            raise StagedFilesTooLarge(
                f"The app brings {size} bytes of files outside its bundle; this trust takes {most} at most "
                "(FLIP_TRUST_STAGED_BYTES)."
            )
        if not self._settings.staged_pickles and any(PurePosixPath(f.path).suffix in PICKLES for f in files):
            raise StagedPickleRefused(
                "The app brings a pickle, which can run code when it is read, and this trust takes none. Save weights "
                "as safetensors."
            )

    def _fetch(self, hub: HubClient, manifest: RunManifest, file: StagedFile) -> None:
        try:
            with self._content.receive(file) as receiving:
                self._receive(hub, manifest, file, receiving)
        except ContentWrong:
            raise StagedFileWrong("A file of the app is not the one that the signed manifest names.") from None

    def _receive(self, hub: HubClient, manifest: RunManifest, file: StagedFile, receiving: Receiving) -> None:
        """Goes on where it broke off."""
        failures, pause = 0, threading.Event()
        while receiving.received < file.size_bytes:
            before = receiving.received
            try:
                for chunk in hub.fetch(f"runs/{manifest.run_id}/files/{file.sha256}", before):
                    receiving.write(chunk)
            except HubRefused as refusal:
                raise StagedFileUnavailable(f"The hub does not give a file of the app ({refusal.code}).") from None
            except HubUnreachable:
                pass
            failures = 0 if receiving.received > before else failures + 1
            if failures >= TRIES:
                raise StagedFileUnavailable("A file of the app could not be fetched: the hub does not answer.")
            if failures:
                pause.wait(min(2.0**failures / 4, LONGEST_PAUSE))
