"""Trains the network that config.json describes and writes weights/model.safetensors.

Needs numpy. Usage: python src/train.py

The seed in training.json fixes every random choice, so the same numpy on the same machine gives the same bytes.
"""

import json
from array import array
from pathlib import Path

import numpy as np

import tensor_file

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    config = json.loads((ROOT / "config.json").read_text())
    preprocessor = json.loads((ROOT / "preprocessor.json").read_text())
    training = json.loads((ROOT / "src/training.json").read_text())
    images, labels = load("train", preprocessor)
    # Measured before any copies are added: two versions trained on the same data share these tensors.
    mean, scale = images.mean(axis=0), images.std(axis=0) + np.float32(1e-2)
    if training["shifted_copies"]:
        images, labels = with_shifted_copies(images, labels, preprocessor)

    layers = train((images - mean) / scale, labels, config, training)

    for name in ["train", "validation"]:
        images, labels = load(name, preprocessor)
        right = predict(layers, (images - mean) / scale) == labels
        print(f"{name}: {right.sum()} of {len(right)} right, {100 * right.mean():.2f} %")
    save(layers, mean, scale)


def load(name: str, preprocessor: dict) -> tuple[np.ndarray, np.ndarray]:
    rows = np.loadtxt(ROOT / "data" / f"{name}.csv", delimiter=",", skiprows=1, dtype=np.float32)
    return rows[:, :-1] / preprocessor["max_value"], rows[:, -1].astype(int)


def with_shifted_copies(images: np.ndarray, labels: np.ndarray, preprocessor: dict) -> tuple[np.ndarray, np.ndarray]:
    """Adds each image four times more, moved by one pixel to the left, right, top and bottom."""
    grid = images.reshape(-1, preprocessor["height"], preprocessor["width"])
    padded = np.pad(grid, ((0, 0), (1, 1), (1, 1)))
    moves = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    copies = [padded[:, y : y + grid.shape[1], x : x + grid.shape[2]] for y, x in moves]
    return np.concatenate(copies).reshape(-1, images.shape[1]), np.tile(labels, len(moves))


def train(images: np.ndarray, labels: np.ndarray, config: dict, training: dict) -> list[list[np.ndarray]]:
    """Plain stochastic gradient descent on the cross entropy; returns [weight, bias] of each layer."""
    random = np.random.default_rng(training["seed"])
    sizes = config["layers"]
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        weight = random.normal(0, np.sqrt(2 / inputs), (outputs, inputs)).astype(np.float32)
        layers.append([weight, np.zeros(outputs, np.float32)])
    truth = np.eye(sizes[-1], dtype=np.float32)[labels]

    for epoch in range(training["epochs"]):
        rate = np.float32(training["learning_rate"] * (1 - epoch / training["epochs"]))
        order = random.permutation(len(images))
        for start in range(0, len(order), training["batch_size"]):
            batch = order[start : start + training["batch_size"]]
            step(layers, images[batch], truth[batch], rate, np.float32(training["weight_decay"]))
    return layers


def step(layers: list, images: np.ndarray, truth: np.ndarray, rate: np.float32, decay: np.float32) -> None:
    activations = forward(layers, images)
    shifted = activations[-1] - activations[-1].max(axis=1, keepdims=True)
    probability = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    gradient = (probability - truth) / np.float32(len(images))
    for layer, inputs in zip(reversed(layers), reversed(activations[:-1])):
        weight, bias = layer
        below = (gradient @ weight) * (inputs > 0)
        weight -= rate * (gradient.T @ inputs + decay * weight)
        bias -= rate * gradient.sum(axis=0)
        gradient = below


def forward(layers: list, images: np.ndarray) -> list[np.ndarray]:
    """Returns the input of every layer, then the output of the last one."""
    activations = [images]
    for number, (weight, bias) in enumerate(layers, start=1):
        output = activations[-1] @ weight.T + bias
        activations.append(output if number == len(layers) else np.maximum(output, 0))
    return activations


def predict(layers: list, images: np.ndarray) -> np.ndarray:
    return forward(layers, images)[-1].argmax(axis=1)


def save(layers: list, mean: np.ndarray, scale: np.ndarray) -> None:
    arrays = {"input.mean": mean, "input.scale": scale}
    for number, (weight, bias) in enumerate(layers):
        arrays |= {f"layers.{number}.weight": weight, f"layers.{number}.bias": bias}
    tensors = {name: (list(values.shape), array("f", values.ravel())) for name, values in arrays.items()}
    tensor_file.write(ROOT / "weights/model.safetensors", tensors, {"format": "np"})


if __name__ == "__main__":
    main()
