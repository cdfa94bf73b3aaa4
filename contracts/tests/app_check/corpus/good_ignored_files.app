The app's own .gitignore and fab-exclude leave files out on purpose.
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
fab-exclude = ["notes/*.md"]
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.client_app:app"
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
-- .gitignore --
*.csv
/data/
!keep.csv
-- app/table.csv --
x
-- data/deep/a.json --
{}
-- notes/a.md --
x
