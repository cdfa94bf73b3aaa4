"""What the checkpoint computes: the probability of an outcome out of columns of the cohort. Replace it with yours."""

import numpy as np
from flip import FLIP

LABEL = "outcome"  # 0 or 1
FEATURES = {"age": (60.0, 15.0), "systolic_bp": (135.0, 20.0), "creatinine": (90.0, 30.0)}  # mean, standard deviation


def load_cohort(flip: FLIP, project_id: str, query: str) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, F) in standard deviations, missing values at the mean (0); labels (N,) of 0 and 1."""
    df = flip.get_dataframe(project_id=project_id, query=query)
    df = df.dropna(subset=[LABEL])
    columns = [
        (df[name].astype("float64").fillna(mean).to_numpy() - mean) / deviation
        for name, (mean, deviation) in FEATURES.items()
    ]
    return np.stack(columns, axis=1), df[LABEL].astype("int64").to_numpy()


def predict(arrays: dict[str, np.ndarray], features: np.ndarray) -> np.ndarray:
    """Probabilities (N,) of the outcome: logistic regression with `coef` (1, F) and `intercept` (1,)."""
    return 1 / (1 + np.exp(-(features @ arrays["coef"][0] + arrays["intercept"][0])))
