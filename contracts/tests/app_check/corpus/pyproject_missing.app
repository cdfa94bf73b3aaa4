The folder above the app was uploaded.
remove: pyproject.toml
expect: pyproject_missing pyproject.toml
