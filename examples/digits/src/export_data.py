"""Writes data/train.csv and data/validation.csv from the copy of the data set that scikit-learn ships.

Needs numpy and scikit-learn. The two files are committed, so this is here to show where they come from.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DATA = Path(__file__).resolve().parents[1] / "data"


def main() -> None:
    digits = load_digits()
    rows = np.column_stack([digits.data, digits.target]).astype(int)
    # One row in five is kept apart, the same share of every digit.
    train, validation = train_test_split(rows, test_size=0.2, stratify=digits.target, random_state=0)
    header = ",".join([f"pixel_{i}" for i in range(64)] + ["label"])
    for name, part in [("train", train), ("validation", validation)]:
        np.savetxt(DATA / f"{name}.csv", part, fmt="%d", delimiter=",", header=header, comments="")


if __name__ == "__main__":
    main()
