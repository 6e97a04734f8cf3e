"""Classifiers of other packages, built as their documentation builds them; any name of scikit-learn's or OTHERS."""

from __future__ import annotations

# Modules, not classes: a class imported here would be found by its name, and not built as described below.
from sklearn import calibration, ensemble, linear_model, model_selection, multiclass, pipeline, preprocessing, tree
from sklearn.utils import all_estimators

INNER = {"max_iter": 50}


def skorch_net():
    import torch
    from skorch import NeuralNetClassifier

    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    loss = torch.nn.CrossEntropyLoss
    return NeuralNetClassifier(net, criterion=loss, optimizer=torch.optim.Adam, max_epochs=30, lr=0.01, verbose=0)


def lightgbm_model():
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=20, verbose=-1)


def xgboost_model():
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=20)


def catboost_model():
    from catboost import CatBoostClassifier

    return CatBoostClassifier(iterations=20, verbose=0, allow_writing_files=False)


OTHERS = {
    "skorch": skorch_net,
    "lightgbm": lightgbm_model,
    "xgboost": xgboost_model,
    "catboost": catboost_model,
    "GridSearchCV": lambda: model_selection.GridSearchCV(linear_model.LogisticRegression(**INNER), {"C": [0.1, 1.0]}),
    "PipelineOfForest": lambda: pipeline.make_pipeline(
        preprocessing.StandardScaler(), ensemble.RandomForestClassifier(10)
    ),
    "BaggingOfLogistic": lambda: ensemble.BaggingClassifier(linear_model.LogisticRegression(**INNER)),
    "OneVsRestOfForest": lambda: multiclass.OneVsRestClassifier(ensemble.RandomForestClassifier(5)),
    "CalibratedForest": lambda: calibration.CalibratedClassifierCV(
        ensemble.RandomForestClassifier(10), method="isotonic"
    ),
}
NAMES = [name for name, _ in all_estimators("classifier")]


def __getattr__(name):
    """A builder of the model of this name."""
    if name in OTHERS:
        return OTHERS[name]
    kind = dict(all_estimators("classifier")).get(name)
    if kind is None:
        raise AttributeError(name)
    inner = linear_model.LogisticRegression(**INNER)
    for params in ({}, {"estimator": inner}, {"estimators": [("a", inner), ("b", tree.DecisionTreeClassifier())]}):
        try:
            kind(**params)
        except TypeError:
            continue
        return lambda: kind(**params)
    raise AttributeError(name)
