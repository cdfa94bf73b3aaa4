"""From the cohort query's columns to numbers on one scale."""

import numpy as np
from flip import FLIP

LABEL = "outcome"  # 0 or 1
# Column: (mean, standard deviation) of the literature, the same at every trust. Scaling by a trust's own mean would
# give each trust another model.
FEATURES = {
    "age": (50.0, 20.0),
    "is_male": (0.5, 0.5),
    "visits": (3.0, 2.0),
    "diabetes": (0.1, 0.3),
    "hypertension": (0.3, 0.45),
    "hba1c": (6.0, 1.2),
    "creatinine": (85.0, 20.0),
    "cholesterol": (190.0, 40.0),
    "haemoglobin": (13.5, 1.6),
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
