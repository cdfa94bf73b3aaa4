A list in the run config; the same key elsewhere is not meant.
-- pyproject.toml --
[tool.other]
layers = [1]
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
model.layers = [8, 16]  #> config_not_scalar
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
