Statuses by text, by an alias, by keyword, by a name; RUNNING is another name of TRAINING_STARTED.
-- app/server_app.py --
from flip import FLIP
from flip.constants import ModelStatus as MS
from flwr.serverapp import ServerApp

app = ServerApp()
DONE = MS.RESULTS_UPLOADED


@app.main()
def main(grid, context, flip=FLIP()):
    model_id = context.run_config["flip-model-id"]
    flip.update_status(model_id, "INITIATED")
    flip.update_status(model_id, new_model_status=MS["PREPARED"])
    flip.update_status(model_id, MS.RUNNING)
    flip.update_status(model_id, DONE)
