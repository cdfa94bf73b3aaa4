The platform's own key, in an override.
override: flip-project-id="x"
expect: run_config_key_reserved -
