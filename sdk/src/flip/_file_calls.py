"""Files that the app brings beside its bundle."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from flip import protocol
from flip._environment import Mode, current_environment
from flip.errors import FileNotDelivered, InvalidArgument


class FileCalls:
    """Part of `FLIP`."""

    def get_file(self, path: str | Path) -> Path:
        """Find a file that `[tool.flip.files]` of pyproject.toml sends along. Both sides.

        Parameters
        ----------
        path : as in the app's folder, for example `weights/init.safetensors`.

        Returns
        -------
        The file, to be read and not to be changed. On the platform it is the one that was uploaded, checked by its
        SHA-256 where it is used; locally it is the file in the app's folder.

        Raises
        ------
        FileNotDelivered : it is not sent to this side (`server` for the ServerApp, `clients` for ClientApps), or not
            there locally.
        InvalidArgument : not a relative path, or one that leaves the folder.
        """
        wanted = PurePosixPath(Path(path).as_posix())
        if wanted.is_absolute() or ".." in wanted.parts or not wanted.parts:
            raise InvalidArgument("get_file wants a path relative to the app's folder, as in [tool.flip.files].")
        mode, folder = current_environment().mode, os.environ.get(protocol.ENV_FILES_DIR, "")
        if mode is Mode.LOCAL:
            found = Path(folder or Path.cwd()) / wanted
            hint = f"Locally it is looked for in {folder or Path.cwd()}."
        else:
            found = Path(folder) / wanted
            side = "server" if mode is Mode.SERVER else "clients"
            hint = f"Name it in [tool.flip.files] {side} = [...] of pyproject.toml, and upload it."
        if (mode is not Mode.LOCAL and not folder) or not found.is_file():
            raise FileNotDelivered(f"{wanted} is not here. {hint}", details={"path": str(wanted)})
        return found
