"""From the cohort query's columns to numbers on one scale."""

import numpy as np
from flip import FLIP

LABEL = "outcome"  # 0 or 1
# Column: (mean, standard deviation) of the literature, the same at every trust. Scaling by a trust's own mean would
# give each trust another model.
FEATURES = {
    "age": (60.0, 15.0),
    "is_male": (0.5, 0.5),
    "bmi": (27.0, 5.0),
    "systolic_bp": (135.0, 20.0),
    "creatinine": (90.0, 30.0),
}


def load_cohort(flip: FLIP, project_id: str, query: str) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, F) in standard deviations, missing values at the mean (0); labels (N,) of 0 and 1."""
    df = flip.get_dataframe(project_id=project_id, query=query)
    df = df.dropna(subset=[LABEL])
    columns = [
        (df[name].astype("float64").fillna(mean).to_numpy() - mean) / deviation
        for name, (mean, deviation) in FEATURES.items()
    ]
    return np.stack(columns, axis=1), df[LABEL].astype("int64").to_numpy()


def split(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers for training and validation: every fifth row validates, the same ones in every round."""
    rows = np.arange(count)
    return rows[rows % 5 != 0], rows[rows % 5 == 0]
