"""Reads handwritten digits with the trained model and says how often it is right.

Needs nothing but Python 3.9 or newer. Usage: python src/predict.py [MODEL_FOLDER] [CSV]

MODEL_FOLDER is what `kit unpack … --filter model` wrote; by default it is the project that this file is part of.
"""

import json
import sys
from pathlib import Path

import tensor_file

ROOT = Path(__file__).resolve().parents[1]


class Model:
    def __init__(self, folder: Path) -> None:
        self.config = json.loads((folder / "config.json").read_text())
        self.preprocessor = json.loads((folder / "preprocessor.json").read_text())
        self.tensors = tensor_file.read(folder / "weights/model.safetensors")

    def read_digit(self, pixels: list[float]) -> str:
        (_, mean), (_, scale) = self.tensors["input.mean"], self.tensors["input.scale"]
        largest = self.preprocessor["max_value"]
        values = [(pixel / largest - m) / s for pixel, m, s in zip(pixels, mean, scale)]
        last = len(self.config["layers"]) - 2
        for number in range(last + 1):
            values = self._layer(number, values)
            if number < last:
                values = [max(value, 0.0) for value in values]
        return self.preprocessor["labels"][values.index(max(values))]

    def _layer(self, number: int, inputs: list[float]) -> list[float]:
        (rows, columns), weight = self.tensors[f"layers.{number}.weight"]
        _, bias = self.tensors[f"layers.{number}.bias"]
        return [
            bias[row] + sum(w * x for w, x in zip(weight[row * columns : (row + 1) * columns], inputs))
            for row in range(rows)
        ]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    table = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "data/validation.csv"
    model = Model(folder)
    lines = table.read_text().splitlines()[1:]
    right = 0
    for line in lines:
        *pixels, label = line.split(",")
        right += model.read_digit([float(pixel) for pixel in pixels]) == label
    print(f"{table.name}: {right} of {len(lines)} right, {100 * right / len(lines):.2f} %")


if __name__ == "__main__":
    main()
