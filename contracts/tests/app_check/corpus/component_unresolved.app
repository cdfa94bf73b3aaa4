A module that is not there, and an object that is not there.
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:server"  #> component_unresolved
clientapp = "app.clientapp:app"  #> component_unresolved
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
