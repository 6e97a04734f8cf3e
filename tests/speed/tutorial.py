"""The loop that tutorials teach: a torchvision data set, transforms image by image, a DataLoader."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from common import alone, fashion_mnist, threads
from torch import nn
from torchvision import datasets, transforms

from benchmark.specs import Run
from cnn.catalog import MODELS
from cnn.networks import NETWORKS

SPEC = next(model for model in MODELS if model.name == "cnn-augmented")
PARAMS = SPEC.params_for(Run("fashion-mnist", SPEC.name, 0, "full"))


def network() -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[PARAMS["network"]](1, 28, 28, 10, PARAMS["dropout"])


def loader(folder: str, augmented: bool, workers: int) -> torch.utils.data.DataLoader:
    """Batches of Fashion-MNIST as torchvision reads it from its authors' files."""
    raw = Path(folder) / "FashionMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    dataset = fashion_mnist()
    for part, images, labels in (
        ("train", dataset.train_images, dataset.train_labels),
        ("t10k", dataset.test_images, dataset.test_labels),
    ):
        write_idx(raw / f"{part}-images-idx3-ubyte", np.asarray(images)[..., 0])
        write_idx(raw / f"{part}-labels-idx1-ubyte", np.asarray(labels).astype(np.uint8))
    steps: list[object] = [transforms.ToTensor(), transforms.Normalize((0.286,), (0.353,))]
    if augmented:
        zoom, shift = PARAMS["zoom"], PARAMS["shift"]
        steps = [
            transforms.RandomHorizontalFlip(),
            transforms.RandomAffine(PARAMS["rotation_degrees"], translate=(shift, shift), scale=(1 - zoom, 1 + zoom)),
            *steps,
        ]
    images = datasets.FashionMNIST(folder, train=True, transform=transforms.Compose(steps))
    return torch.utils.data.DataLoader(images, batch_size=PARAMS["batch_size"], shuffle=True, num_workers=workers)


def write_idx(path: Path, array: np.ndarray) -> None:
    """An array of bytes in the format of the MNIST files."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(header + array.tobytes())


def images_per_second(augmented: bool, workers: int, n_images: int) -> float:
    """Of training, the first batches apart."""
    torch.set_num_threads(threads())
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seen, start, warm = 0, 0.0, 10
    with tempfile.TemporaryDirectory() as folder:
        for number, (images, labels) in enumerate(loader(folder, augmented, workers)):
            if number == warm:
                start = time.perf_counter()
            step(model, optimizer, images, labels)
            if number >= warm:
                seen += len(labels)
            if seen >= n_images:
                return seen / (time.perf_counter() - start)
    raise ValueError(f"there are not {n_images} images")


def faster_workers(augmented: bool, n_images: int) -> int:
    """With how many workers, none or two, the loader is faster."""
    speeds = {workers: alone(images_per_second, augmented, workers, n_images, tuned=False) for workers in (0, 2)}
    return max(speeds, key=lambda workers: speeds[workers])


def step(model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor) -> None:
    loss = nn.functional.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def seconds_to(goal: float, workers: int, most_epochs: int) -> float | None:
    """Seconds of training until the test accuracy has reached the goal; None if it does not."""
    torch.set_num_threads(threads())
    dataset = fashion_mnist()
    test = (torch.from_numpy(np.array(dataset.test_images)).permute(0, 3, 1, 2) / 255 - 0.286) / 0.353
    test_labels = torch.from_numpy(np.array(dataset.test_labels))
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder:
        batches = loader(folder, True, workers)
        for epoch in range(1, most_epochs + 1):
            start = time.perf_counter()
            model.train()
            for images, labels in batches:
                step(model, optimizer, images, labels)
            seconds += time.perf_counter() - start
            model.eval()
            with torch.inference_mode():
                predicted = torch.cat([model(part).argmax(1) for part in test.split(1000)])
            accuracy = float((predicted == test_labels).double().mean())
            print(f"  tutorial, epoch {epoch}: {accuracy:.4f} after {seconds:.0f} s")
            if accuracy >= goal:
                return seconds
    return None
