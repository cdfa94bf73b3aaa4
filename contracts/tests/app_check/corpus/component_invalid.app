A path in place of a module.
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app/client_app.py"  #> component_invalid
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
