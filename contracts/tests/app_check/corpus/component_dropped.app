The ClientApp has the name of a test.
remove: app/client_app.py
expect: component_dropped app/test_client.py
expect: file_dropped app/test_client.py
-- pyproject.toml --
[project]
name = "base-app"
version = "1.0.0"
[tool.flwr.app]
publisher = "flwrlabs"
[tool.flwr.app.components]
serverapp = "app.server_app:app"
clientapp = "app.test_client:app"
[tool.flwr.app.config]
num-server-rounds = 3
flip-model-id = "uuid"
flip-project-id = "uuid"
flip-cohort-query = "*"
-- app/test_client.py --
app = 1
