The name is set in every way; a dictionary that is not the environment is not meant.
-- app/client_app.py (more) --
from os import environ

SUPERNODE_NAME = "alpha"  #> supernode_name_hard_coded
os.environ["SUPERNODE_NAME"] = "alpha"  #> supernode_name_hard_coded
environ.setdefault("SUPERNODE_NAME", "alpha")  #> supernode_name_hard_coded
environ.update({"SUPERNODE_NAME": "alpha"})  #> supernode_name_hard_coded
notes = {}
notes["SUPERNODE_NAME"] = "alpha"
CLIENT = "alpha"


@app.evaluate()
def evaluate(msg, context):
    FLIP().send_metrics(CLIENT, "m", label="VAL_LOSS", value=1.0, round=1)  #> supernode_name_hard_coded
    FLIP().send_metrics(client_name="alpha", model_id="m", label="VAL_LOSS", value=1.0)  #> supernode_name_hard_coded
    FLIP().send_metrics(f"{os.getenv('SUPERNODE_NAME')}", "m", label="VAL_LOSS", value=1.0, round=1)
    FLIP().send_metrics(environ["SUPERNODE_NAME"], "m", label="VAL_LOSS", value=1.0, round=1)
