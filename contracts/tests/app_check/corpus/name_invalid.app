An underscore in the name; the author's name above is not meant.
-- pyproject.toml --
[[project.maintainers]]
name = "A. Author"
[project]
name = "my_app"  #> name_invalid
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
