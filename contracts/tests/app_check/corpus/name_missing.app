No name; an author's name does not count.
expect: name_missing pyproject.toml
-- pyproject.toml --
[project]
authors = [{ name = "A. Author" }]
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
