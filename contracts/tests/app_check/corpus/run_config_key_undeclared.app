A slip of the pen in an override.
override: num-server-round=1
expect: run_config_key_undeclared pyproject.toml
