"""The data sets that come with the suite."""

from __future__ import annotations

from benchmark.specs import DatasetSpec

# Their files are held against known sums, or come with a package whose version is in the stamp.
SAME = "benchmark.data.load:same_files"

DATASETS = (
    DatasetSpec(
        name="fashion-mnist",
        title="Fashion-MNIST",
        description="70,000 grey 28x28 pictures of clothes, ten classes (Xiao et al. 2017)",
        load="benchmark.data.fashion_mnist:load",
        stamp=SAME,
        validation_size=5_000,
        expected_train=60_000,
        expected_test=10_000,
        balanced=True,
    ),
    DatasetSpec(
        name="digits",
        title="Digits",
        description="1,797 grey 8x8 handwritten digits, bundled with scikit-learn: nothing to fetch",
        load="benchmark.data.digits:load",
        stamp="benchmark.data.digits:stamp",
        validation_size=237,
        expected_train=1_437,
        expected_test=360,
    ),
    DatasetSpec(
        name="mnist",
        title="MNIST",
        description="70,000 grey 28x28 handwritten digits, by torchvision",
        load="benchmark.data.torchvision_sets:load_mnist",
        stamp=SAME,
        validation_size=5_000,
        expected_train=60_000,
        expected_test=10_000,
    ),
    DatasetSpec(
        name="kmnist",
        title="Kuzushiji-MNIST",
        description="70,000 grey 28x28 cursive Japanese characters, ten classes, by torchvision",
        load="benchmark.data.torchvision_sets:load_kmnist",
        stamp=SAME,
        validation_size=5_000,
        expected_train=60_000,
        expected_test=10_000,
        balanced=True,
    ),
    DatasetSpec(
        name="cifar10",
        title="CIFAR-10",
        description="60,000 colour 32x32 photographs, ten classes, by torchvision",
        load="benchmark.data.torchvision_sets:load_cifar10",
        stamp=SAME,
        validation_size=5_000,
        expected_train=50_000,
        expected_test=10_000,
        balanced=True,
    ),
)
