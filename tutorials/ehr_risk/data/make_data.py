"""Write a small synthetic cohort here: nine columns of a health record and an outcome. No patient's data.

    python data/make_data.py [--count 400] [--out data]

gives `dataframe.csv`, as `flip app run . --data data` reads it.
"""

import argparse
import csv
from pathlib import Path

import numpy as np

COLUMNS = ("person_id", "age", "is_male", "visits", "diabetes", "hypertension")
COLUMNS += ("hba1c", "creatinine", "cholesterol", "haemoglobin", "outcome")


def rows(count: int):
    """One row per person, in the columns of query.sql. Laboratory values are missing where nobody measured."""
    rng = np.random.default_rng(0)
    for person in range(count):
        age, is_male, visits = int(rng.integers(18, 95)), int(rng.random() < 0.5), int(rng.poisson(3)) + 1
        diabetes, hypertension = int(rng.random() < 0.1), int(rng.random() < 0.1 + age / 250)
        means = (6 + 1.5 * diabetes, 85 + 0.2 * age, 190, 13.5)
        labs = [rng.normal(mean, deviation) for mean, deviation in zip(means, (0.8, 20, 40, 1.6), strict=True)]
        risk = (age - 60) / 15 + 0.5 * is_male + 0.8 * diabetes + 0.7 * hypertension + (labs[2] - 190) / 60 - 1
        outcome = int(rng.random() < 1 / (1 + np.exp(-risk)))
        measured = [f"{value:.2f}" if rng.random() > 0.2 else "" for value in labs]
        yield person, age, is_male, visits, diabetes, hypertension, *measured, outcome


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
