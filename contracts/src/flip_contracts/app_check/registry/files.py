"""Rules of the files that make the bundle."""

from typing import Final

from flip_contracts.app_check.registry.rule import Rule, error, warning

RULES: Final[tuple[Rule, ...]] = (
    warning(
        "file_dropped",
        "A file is left out of the bundle (FAB).",
        "Flower takes `.py .toml .md .yaml .yml .json .jsonl` and `/LICENSE`, and drops the rest without a word: "
        "other suffixes, test files, `__pycache__`, and at the root `build/ eggs/ lib/ lib64/ parts/ env/ venv/` "
        "and the like. An app that opens such a file works locally and fails on the platform.",
        "Remove it, or rename or move it if the app needs it. Data belong in the cohort. Weights and tables go along "
        "outside the bundle: name them in `[tool.flip.files]` and read them by `flip.get_file`.",
    ),
    error(
        "staged_file_missing",
        "A pattern in `[tool.flip.files]` matches no file outside the bundle.",
        "The app would look for a file that is not there. A file that the bundle holds is there already.",
        "Upload the file, or correct the pattern.",
    ),
    error(
        "staged_files_invalid",
        "`[tool.flip.files]` is not two lists of patterns, `server` and `clients`.",
        "The platform cannot tell where the app's large files go.",
        'Write for example `server = ["weights/*.safetensors"]`; patterns are as in `.gitignore`.',
    ),
    error(
        "app_too_large",
        "The files that would be taken are larger than 10 MiB together.",
        "Flower stores them uncompressed and refuses a larger bundle.",
        "Remove large files; JSON exports and notebooks saved as JSON are the usual cause.",
    ),
    error(
        "code_too_large",
        "The Python files have more than 3 MiB together.",
        "What is beyond is not checked, and code that nobody has looked at does not run.",
        "Remove generated or copied code that the app does not use.",
    ),
    error(
        "file_too_large",
        "One file that would be taken is larger than 10 MiB.",
        "The whole bundle may have 10 MiB. The file was not read, so its content is unchecked.",
        "Remove it, or name it in `fab-exclude`.",
    ),
    error(
        "file_unreadable",
        "A file or folder of the app cannot be read.",
        "It could not be checked, and it cannot be uploaded.",
        "Give yourself the right to read it, or move it out of the app's folder.",
    ),
    warning(
        "symlink_left_out",
        "A symbolic link is left out.",
        "Flower ignores links, to files and to folders, so what they point to is missing on the platform.",
        "Copy the file or folder into the app.",
    ),
    error(
        "path_invalid",
        "A file's path leaves the app's folder, or has a backslash in it.",
        "The bundle would write outside its folder.",
        "Use paths relative to the folder of `pyproject.toml`.",
    ),
    error(
        "path_too_deep",
        "A path has more than ten levels.",
        "Flower refuses the bundle.",
        "Move the file up.",
    ),
    error(
        "component_dropped",
        "The file of a component is left out of the bundle.",
        "The run would fail when the platform imports it. A name such as `test_client.py` is the usual cause.",
        "Rename or move the file, or take it out of `.gitignore` or `fab-exclude`.",
    ),
)
