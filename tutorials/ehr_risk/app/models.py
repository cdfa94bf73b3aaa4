"""Logistic regression, fitted by stochastic gradient descent so that a round can start from the global weights."""

import numpy as np
from sklearn.linear_model import SGDClassifier

from app.data import FEATURES


def initial_weights() -> list[np.ndarray]:
    """Coefficients (1, F) and intercept (1,), all zero."""
    return [np.zeros((1, len(FEATURES))), np.zeros(1)]


def get_model(weights: list[np.ndarray], learning_rate: float) -> SGDClassifier:
    """A classifier that goes on from `weights`. A trust whose rows all have one label can train, too."""
    model = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=learning_rate, random_state=0)
    model.classes_ = np.array([0, 1])
    model.coef_, model.intercept_ = weights[0].copy(), weights[1].copy()
    return model
