The two components are swapped.
expect: lifecycle_missing app/client_app.py
expect: results_uploaded_missing app/client_app.py
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.client_app:app"  #> component_wrong_kind
clientapp = "app.server_app:app"  #> component_wrong_kind
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
