Libraries that the image lacks, and their downloads.
-- app/client_app.py (more) --
import torchvision.models as tv  #> import_not_on_image
from sklearn.neighbors import KNeighborsClassifier
from torchvision.models import ResNet18_Weights
from transformers import AutoModel  #> import_not_on_image


def build():
    tv.resnet18(weights="DEFAULT")  #> runtime_download
    tv.resnet18(weights=ResNet18_Weights.IMAGENET1K_V1)  #> runtime_download
    tv.resnet18(weights=None)
    AutoModel.from_pretrained("bert-base-uncased")  #> runtime_download
    AutoModel.from_pretrained("./weights")
    AutoModel.from_pretrained("bert-base-uncased", local_files_only=True)
    KNeighborsClassifier(weights="distance")
