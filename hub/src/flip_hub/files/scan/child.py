"""`python -m flip_hub.files.scan.child file NAME PATH` or `… advice FOLDER`: prints one JSON line.

Its input is hostile: it runs under limits of memory, processor time and written bytes, with no settings and no secrets
in its environment, and whatever goes wrong in it is a refusal.
"""

import resource
import sys
from pathlib import Path
from typing import Final

MEMORY_BYTES: Final = 3 * 2**30
WRITTEN_BYTES: Final = 2**20


def main() -> None:
    what, *arguments = sys.argv[1:]
    seconds = int(arguments.pop(0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # SIGXCPU first: SIGKILL is somebody else's
    resource.setrlimit(resource.RLIMIT_FSIZE, (WRITTEN_BYTES, WRITTEN_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if what == "file":
        from flip_hub.files.scan.formats import look

        name, path = arguments
        print(look(name, Path(path)).model_dump_json())
    else:
        from flip_hub.files.scan.python import advise

        print(advise(Path(arguments[0])).model_dump_json())


if __name__ == "__main__":
    main()
