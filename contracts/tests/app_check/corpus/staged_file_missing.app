A place for a file that is not there, and for one that the bundle holds.
expect: staged_file_missing pyproject.toml
expect: staged_file_missing pyproject.toml
-- pyproject.toml (more) --

[tool.flip.files]
server = ["weights/*.pt", "app/*.py"]
