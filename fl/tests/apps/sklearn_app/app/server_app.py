import joblib
from flwr.app import ArrayRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from app.task import create_log_reg_and_instantiate_parameters, get_model_parameters, set_model_params
from flip import FLIP
from flip.constants.flip_constants import ModelStatus

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context, flip: FLIP = FLIP()) -> None:
    """Main entry point for the ServerApp."""
    num_rounds = int(context.run_config["num-server-rounds"])
    flip_model_id = context.run_config.get("flip-model-id")
    flip.update_status(flip_model_id, ModelStatus.INITIATED)

    model = create_log_reg_and_instantiate_parameters(int(context.run_config["local-epochs"]))
    arrays = ArrayRecord(get_model_parameters(model))
    flip.update_status(flip_model_id, ModelStatus.PREPARED)

    strategy = FedAvg(fraction_train=1.0, fraction_evaluate=1.0)
    result = strategy.start(grid=grid, initial_arrays=arrays, num_rounds=num_rounds)
    flip.update_status(flip_model_id, ModelStatus.TRAINING_STARTED)

    print("\nSaving final model to disk...")
    set_model_params(model, result.arrays.to_numpy_ndarrays())
    joblib.dump(model, "logreg_model.pkl")
    print("ACCURACY", result.evaluate_metrics_clientapp[num_rounds]["accuracy"])
    flip.update_status(flip_model_id, ModelStatus.RESULTS_UPLOADED)
