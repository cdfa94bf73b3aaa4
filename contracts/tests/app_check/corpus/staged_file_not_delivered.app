Weights for the ServerApp and a table for the ClientApps, outside the bundle.
expect: staged_file_not_delivered weights/init.pt
expect: staged_file_not_delivered codes.csv
-- pyproject.toml (more) --

[tool.flip.files]
server = ["weights/*.pt"]
clients = ["codes.csv"]
-- weights/init.pt --
x
-- codes.csv --
a,b
