"""Accelerated means equal: every accelerated model against its scikit-learn twin, or against the textbook."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from baselines import accelerated
from baselines.accelerated import ACCELERATED, objective
from baselines.pixels import PcaSVC, PixelForest, PixelKNeighbors, PixelLogisticRegression, PixelSVC
from baselines.scale import pixel_weight, weighted

KINDS = ("noise", "blobs", "two values", "copies", "constant columns", "constant images")
QUERIES = 40


@st.composite
def data(draw):
    """Images, labels and queries as strangers have them: see KINDS, few rows, many classes, labels with gaps."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, d = draw(st.integers(4, 300)), draw(st.sampled_from([16, 64, 300, 784]))
    k = min(draw(st.sampled_from([2, 2, 3, 5, 10, 30])), n // 2)
    kind, alone = draw(st.sampled_from(KINDS)), draw(st.booleans())
    y = np.concatenate([np.arange(k), rng.integers(k - alone, size=n - k) if k > alone else np.zeros(n - k, int)])
    centres = rng.random((k, d))
    spread = draw(st.sampled_from([0.05, 0.3, 1.0]))
    X = centres[y] + rng.normal(size=(n, d)) * spread
    others = centres[rng.integers(k, size=QUERIES)] + rng.normal(size=(QUERIES, d)) * spread
    if kind == "noise":
        X, others = rng.random((n, d)), rng.random((QUERIES, d))
    elif kind == "two values":
        X, others = X > 0.5, others > 0.5
    elif kind == "copies":
        X[n // 2 :] = X[: n - n // 2]
        others[: QUERIES // 2] = X[rng.integers(n, size=QUERIES // 2)]
    elif kind == "constant columns":
        X[:, : d // 2] = others[:, : d // 2] = 0.5
    elif kind == "constant images":
        X[:3] = others[:3] = 0.25
    levels = draw(st.sampled_from([1, 255]))
    X, others = (np.rint(np.clip(part, 0, 1) * levels) / levels for part in (X, others))
    labels = np.arange(k) if draw(st.booleans()) else np.sort(rng.choice(1000, k, replace=False))
    number = draw(st.sampled_from([np.float32, np.float64]))
    return X.astype(number), labels[y], others.astype(number)


def tied(machine, X):
    """Where a vote between two classes is within the solver's tolerance, as between copies with different labels."""
    machine.decision_function_shape = "ovo"
    return (np.abs(machine.decision_function(X).reshape(len(X), -1)) < 0.01).any(axis=1)


def check_svm(X, y, others):
    """Labels may differ where votes are tied, and hardly anywhere else."""
    ours, plain = PixelSVC(C=10.0).fit(X, y), SVC(C=10.0).fit(X, y)
    differing = ours.predict(others) != plain.predict(others)
    assert (differing & ~tied(plain, others)).sum() <= 0.05 * len(others)


def check_logistic_regression(X, y, others):
    """Both stop early; ours must not be further from the minimum, and its plain form predict what it predicts."""
    ours = PixelLogisticRegression().fit(X, y)
    plain = LogisticRegression(max_iter=100).fit(weighted(X), y)
    found = ours.portable()
    found.coef_ = found.coef_ / pixel_weight(X.shape[1])
    expected = objective(plain, weighted(X), y)
    assert objective(found, weighted(X), y) <= expected * 1.01 + 0.01


def check_neighbours(X, y, others):
    """By the textbook, in float64: any label is right that some order of equally distant neighbours gives."""
    ours = PixelKNeighbors().fit(X, y)
    shares = ours.predict_proba(others)
    k = min(5, len(X))
    exact = np.linalg.norm(X[None].astype(np.float64) - others[:, None].astype(np.float64), axis=2)
    for distances, share in zip(exact, shares, strict=True):
        last = np.sort(distances)[k - 1]
        near = np.flatnonzero(distances <= last + 1e-5)
        if len(near) > k:  # Which of them are counted is open.
            zero = near[distances[near] == 0]
            if len(zero) and len(zero) <= k:
                near = zero
            else:
                assert set(ours.classes_[share > 0]) <= set(y[near])
                continue
        copies = distances[near] == 0
        counts = copies.astype(float) if copies.any() else 1 / distances[near]
        votes = np.array([counts[y[near] == label].sum() for label in ours.classes_])
        np.testing.assert_allclose(share, votes / votes.sum(), atol=2e-3)


def check_components(X, y, others):
    plain = PcaSVC(n_components=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accelerated, "ACCELERATED", {})
        plain.fit(X, y)
    differing = PcaSVC(n_components=20).fit(X, y).predict(others) != plain.predict(others)
    close = tied(plain.svc_.portable(), plain._transformed(weighted(others)))
    assert (differing & ~close).sum() <= 0.05 * len(others)


def test_directions_without_variance_play_no_part():
    """Four images span three directions; a fourth component is any, and what lies along it says nothing."""
    rng = np.random.default_rng(0)
    X, others = (rng.integers(0, 2, size=(n, 16)).astype(float) for n in (4, 40))
    model = PcaSVC(n_components=20).fit(X, np.array([0, 1, 0, 2]))
    spanned = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)[2][:3]
    within = X.mean(axis=0) + (others - X.mean(axis=0)) @ spanned.T @ spanned
    np.testing.assert_array_equal(model.predict(others), model.predict(within))


def check_forest(X, y, others):
    """Another generator, other trees: on average as good."""
    ours = PixelForest(n_estimators=20, random_state=0).fit(X, y)
    plain = RandomForestClassifier(20, random_state=0).fit(X, y)
    one, two = ours.predict(X) == y, plain.predict(X) == y
    assert (two & ~one).sum() - (one & ~two).sum() <= 5 * np.sqrt((one != two).sum()) + 1


CHECKS = (check_svm, check_logistic_regression, check_neighbours, check_components, check_forest)


def hold(check, sample):
    X, y, others = sample
    assume(len(np.unique(y)) > 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of not having converged, by either.
        check(X, y, others)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(sample=data())
def test_accelerated_equals_plain(check, sample):
    hold(check, sample)


@pytest.mark.nightly
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(sample=data())
def test_accelerated_equals_plain_on_many_data_sets(check, sample):
    hold(check, sample)


def test_neighbours_are_not_confused_by_copies():
    """Of the kind in which oneDAL's own vote by distance is wrong for images that are no copies too."""
    rng = np.random.default_rng(0)
    X, y = rng.random((2000, 50)).astype(np.float32), rng.integers(10, size=2000)
    others = rng.random((500, 50)).astype(np.float32)
    others[:10] = X[:10]
    ours = PixelKNeighbors().fit(X, y).predict(others)
    plain = KNeighborsClassifier(5, weights="distance", algorithm="brute").fit(X.astype(float), y)
    assert np.array_equal(ours, plain.predict(others.astype(float)))


@pytest.mark.skipif(not ACCELERATED, reason="needs scikit-learn-intelex")
@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (SVC, PixelSVC()),
        (LogisticRegression, PixelLogisticRegression()),
        (KNeighborsClassifier, PixelKNeighbors()),
        (RandomForestClassifier, PixelForest(random_state=0)),
        (PCA, PcaSVC(n_components=5)),
    ],
    ids=lambda item: getattr(item, "__name__", ""),
)
def test_where_the_accelerator_differs_scikit_learn_does_the_work_and_a_note_says_so(kind, model, monkeypatch):
    """The accelerated class is one that has learnt from other images."""

    class Wrong(kind):
        def fit(self, X, y=None):
            return super().fit(X[::-1] * np.linspace(0, 3, X.shape[1], dtype=X.dtype), y)

    rng = np.random.default_rng(0)
    y = np.arange(200) % 4
    X = (rng.random((4, 30))[y] + 0.1 * rng.random((200, 30))).astype(np.float32)
    monkeypatch.setattr(accelerated, "ACCELERATED", {kind: Wrong})
    model.fit(X, y)
    assert any(f"{kind.__name__} was fitted by scikit-learn, for oneDAL differs" in note for note in model.notes_)
    assert f"{kind.__name__} of scikit-learn" in model.implementation_
    assert np.mean(model.predict(X) == y) > 0.9


@pytest.mark.skipif(not ACCELERATED, reason="needs scikit-learn-intelex")
def test_an_accelerator_that_breaks_is_left_alone(monkeypatch):
    class Broken(SVC):
        def fit(self, X, y):
            raise RuntimeError("native trouble")

    monkeypatch.setattr(accelerated, "ACCELERATED", {SVC: Broken})
    y = np.arange(20) % 2
    model = PixelSVC().fit(np.eye(20, dtype=np.float32), y)
    assert "native trouble" in model.notes_[0]


def test_images_that_are_all_the_same_are_learnt_by_scikit_learn():
    X, y = np.zeros((30, 16), dtype=np.float32), np.arange(30) % 5
    assert np.array_equal(PixelSVC().fit(X, y).predict(X), SVC().fit(X, y).predict(X))


def test_neighbours_that_are_nearly_all_images_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    X, y = rng.random((500, 64), dtype=np.float32), rng.integers(0, 3, 500)
    others = rng.random((100, 64), dtype=np.float32)
    ours = PixelKNeighbors(n_neighbors=500).fit(X, y)
    plain = KNeighborsClassifier(500, weights="distance", algorithm="brute").fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(others), plain.predict_proba(others), atol=1e-4)
    assert "nearly all images are neighbours" in ours.notes_[0]
