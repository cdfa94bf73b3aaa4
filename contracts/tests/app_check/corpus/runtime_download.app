Weights and data from the internet, under other names, too.
-- app/client_app.py (more) --
import urllib.request
from urllib.request import urlretrieve as fetch

import monai.apps as apps
import pandas as pd
import sklearn.datasets as sets
import torch.hub
from monai.apps import DecathlonDataset
from monai.networks.nets import resnet18

MODELS = "https://example.org/models"


def build():
    resnet18(pretrained=True)  #> runtime_download
    resnet18(pretrained=False)
    torch.hub.load("pytorch/vision", "resnet18")  #> runtime_download
    torch.hub.load("app", "resnet18", source="local")
    fetch(f"{MODELS}/a.pt", "a.pt")  #> runtime_download
    urllib.request.urlopen(MODELS)  #> runtime_download
    pd.read_csv("https://example.org/a.csv")  #> runtime_download
    DecathlonDataset("data", "Task09_Spleen", "training", download=True)  #> runtime_download
    DecathlonDataset("data", "Task09_Spleen", "training", download=False)
    apps.download_and_extract(MODELS)  #> runtime_download
    sets.fetch_openml("mnist_784")  #> runtime_download
    sets.load_iris()
    print("torch.hub.load('pytorch/vision'), pretrained=True, https://example.org")
