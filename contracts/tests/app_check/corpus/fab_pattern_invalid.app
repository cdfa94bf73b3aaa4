A pattern that matches nothing, and one that is no list.
expect: fab_pattern_invalid pyproject.toml
expect: fab_pattern_invalid pyproject.toml
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
fab-include = ["src/**/*.py"]
fab-exclude = "docs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
