"""`flip-fl serve | superlink | supernode --spec FILE | sandbox`."""

import argparse
import logging
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(prog="flip-fl", description="FLIP's Flower side.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="FL API, relay and executor; starts the SuperLink (settings: FLIP_FL_*)")
    commands.add_parser("superlink", help="the SuperLink alone; `serve` starts it")
    node = commands.add_parser("supernode", help="one SuperNode for one run; the trust's agent starts it")
    node.add_argument("--spec", type=Path, required=True)
    commands.add_parser("sandbox", help="try to get out of the sandbox, and print as JSON which level holds here")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("flwr").propagate = False  # it has its own handler
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every poll
    if arguments.command == "supernode":
        import os

        from flip_fl.serve import OFFLINE
        from flip_fl.supernode import run_supernode

        os.environ.update(OFFLINE)
        run_supernode(arguments.spec)
        return
    if arguments.command == "sandbox":
        from flip_fl.sandbox.probe import probe

        print(probe().model_dump_json())
        return
    from flip_fl.settings import FlSettings

    settings = FlSettings()  # type: ignore[call-arg]  # from the environment
    if arguments.command == "superlink":
        from flip_fl.superlink import run_superlink

        run_superlink(settings)
    else:
        from flip_fl.errors import FlError
        from flip_fl.serve import run_serve

        try:
            run_serve(settings)
        except FlError as error:
            parser.exit(1, f"flip-fl: {error.public} [{error.code}]\n")


if __name__ == "__main__":
    main()
