An unknown place, and no list.
expect: staged_files_invalid pyproject.toml
expect: staged_files_invalid pyproject.toml
-- pyproject.toml (more) --

[tool.flip.files]
trusts = ["weights/*.pt"]
server = "x.pt"
