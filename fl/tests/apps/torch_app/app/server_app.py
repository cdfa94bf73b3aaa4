import torch
from flwr.app import ArrayRecord, ConfigRecord, Context
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from app.task import Net
from flip import FLIP
from flip.constants.flip_constants import ModelStatus

app = ServerApp()


@app.main()
def main(grid: Grid, context: Context, flip: FLIP = FLIP()) -> None:
    """Main entry point for the ServerApp."""
    num_rounds = int(context.run_config["num-server-rounds"])
    flip_model_id = context.run_config.get("flip-model-id")
    flip.update_status(flip_model_id, ModelStatus.INITIATED)

    global_model = Net()
    arrays = ArrayRecord(global_model.state_dict())
    flip.update_status(flip_model_id, ModelStatus.PREPARED)

    strategy = FedAvg(fraction_evaluate=1.0)
    result = strategy.start(
        grid=grid,
        initial_arrays=arrays,
        train_config=ConfigRecord({"lr": 0.05}),
        num_rounds=num_rounds,
    )
    flip.update_status(flip_model_id, ModelStatus.TRAINING_STARTED)

    print("Saving final model to disk...")
    torch.save(result.arrays.to_torch_state_dict(), "final_model.pt")
    print("ACCURACY", result.evaluate_metrics_clientapp[num_rounds]["eval_acc"])
    flip.update_status(flip_model_id, ModelStatus.RESULTS_UPLOADED)
