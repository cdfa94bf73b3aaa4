Weights for the ServerApp and a table for the ClientApps, outside the bundle.
-- pyproject.toml (more) --

[tool.flip.files]
server = ["weights/*.pt"]
clients = ["codes.csv"]
-- weights/init.pt --
x
-- codes.csv --
a,b
