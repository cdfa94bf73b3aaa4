Pickles under every name; safe readers, comments, texts and other objects' load are not meant.
-- app/client_app.py (more) --
import pickle as p
from pickle import loads

import joblib
import numpy as np
import pandas as pd
import torch as t
import yaml

restore = p.loads


def read(blobs, path, checkpoint, pickle):
    """pickle.load(f) in a text is no call."""
    p.load(open(path, "rb"))  #> pickle_load
    loads(blobs[0])  #> pickle_load
    restore(blobs[1])  #> pickle_load
    list(map(loads, blobs))  #> pickle_load
    t.load(path)  #> pickle_load
    t.load(path, weights_only=False)  #> pickle_load
    t.load(path, weights_only=True)
    joblib.load(path)  #> pickle_load
    np.load(path, allow_pickle=True)  #> pickle_load
    np.load(path)
    pd.read_pickle(path)  #> pickle_load
    yaml.load(path, Loader=yaml.UnsafeLoader)  #> pickle_load
    yaml.load(path, Loader=yaml.SafeLoader)
    yaml.safe_load(path)
    checkpoint.load(path)
    pickle.load(path)  # a parameter of this name
    # pickle.load(path)
