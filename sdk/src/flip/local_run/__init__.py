"""`flip app run`: a ServerApp and its ClientApps in one process. Imports flwr."""
