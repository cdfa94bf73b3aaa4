"""The command `flip`: build and try an app on your machine, then send it to a hub and watch it train."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the `flip` command; its libraries come with the extra `flip-utils[cli]`."""
    try:
        import typer  # noqa: F401  # pyright: ignore[reportUnusedImport]
    except ImportError:
        sys.exit("The flip command needs its extra: pip install 'flip-utils[cli]'")
    from flip.cli.main import run

    run()
