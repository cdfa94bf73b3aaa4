A text for a whole number; a whole number for a float is fine.
override: num-server-rounds="3" learning-rate=1
expect: run_config_type_wrong pyproject.toml
