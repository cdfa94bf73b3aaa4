Two of FLIP's keys are not declared.
expect: flip_key_undeclared pyproject.toml
expect: flip_key_undeclared pyproject.toml
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
