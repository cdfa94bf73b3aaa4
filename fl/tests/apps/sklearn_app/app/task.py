import numpy as np
from sklearn.linear_model import LogisticRegression


def load_data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """80 rows of 4 values; the class is the sign of their sum."""
    values = np.random.default_rng(seed).normal(size=(80, 4))
    return values, (values.sum(axis=1) > 0).astype(int)


def get_model_parameters(model: LogisticRegression) -> list[np.ndarray]:
    return [model.coef_, model.intercept_]


def set_model_params(model: LogisticRegression, params: list[np.ndarray]) -> LogisticRegression:
    model.coef_, model.intercept_ = params
    return model


def create_log_reg_and_instantiate_parameters(epochs: int) -> LogisticRegression:
    """Zeros, since the parameters of an unfitted model do not exist yet."""
    model = LogisticRegression(max_iter=epochs, warm_start=True)
    model.classes_ = np.arange(2)
    model.coef_, model.intercept_ = np.zeros((1, 4)), np.zeros((1,))
    return model
