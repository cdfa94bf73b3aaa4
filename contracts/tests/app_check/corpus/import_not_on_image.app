Two packages that the image lacks, each told once; guarded ones, and those of the app, are not meant.
-- app/client_app.py (more) --
import xgboost as xgb  #> import_not_on_image
import xgboost.callback
from flwr_datasets.partitioner import IidPartitioner  #> import_not_on_image
from sklearn.linear_model import LogisticRegression
import monai.transforms
import app.models

try:
    import wandb
except ModuleNotFoundError:
    wandb = None
