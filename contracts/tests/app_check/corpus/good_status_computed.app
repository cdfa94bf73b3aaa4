A status that is computed may be any of them.
-- app/server_app.py --
import sys

from flip import FLIP
from flip.constants import ModelStatus
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


@app.main()
def main(grid, context, flip: FLIP = FLIP()) -> None:
    for status in ModelStatus:
        flip.update_status("m", status)
