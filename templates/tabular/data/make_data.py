"""Write a small synthetic cohort here: five columns of a health record and an outcome. No patient's data.

    python data/make_data.py [--count 400] [--out data]

gives `dataframe.csv`, as `flip app run . --data data` reads it.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

COLUMNS = ("person_id", "age", "is_male", "bmi", "systolic_bp", "creatinine", "outcome")


def rows(count: int):
    """One row per person. The outcome depends on age, blood pressure and creatinine; some values are missing."""
    rng = np.random.default_rng(0)
    for person in range(count):
        age, bmi = rng.normal(60, 15), rng.normal(27, 5)
        pressure, creatinine = rng.normal(135, 20), max(30.0, rng.normal(90, 30))
        risk = 0.9 * (age - 60) / 15 + 0.7 * (pressure - 135) / 20 + 0.8 * (creatinine - 90) / 30 - 0.5
        outcome = int(rng.random() < 1 / (1 + np.exp(-risk)))
        measured = [f"{value:.1f}" if rng.random() > 0.05 else "" for value in (bmi, pressure, creatinine)]
        yield person, round(age), int(rng.random() < 0.5), *measured, outcome


def write_cohort(root: Path, count: int) -> None:
    root.mkdir(parents=True, exist_ok=True)
    with (root / "dataframe.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows(count)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    write_cohort(arguments.out, arguments.count)
    print(f"{arguments.count} people in {arguments.out / 'dataframe.csv'}")
