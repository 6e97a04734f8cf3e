"""Classical models as scikit-learn classifiers.

Enters: pixels (n, d) or images uint8 (n, h, w, c) with labels (n,), and of the suite only ``benchmark.specs``,
``errors``, ``estimators`` and ``utils``. Leaves: fitted classifiers with ``predict`` and, where the model has them,
probabilities, and the registered models as ``catalog.MODELS``.

Reading order: ``catalog`` (what is registered), ``pixels`` (models on flattened pixels), ``boosting``, ``hog``
(features and a machine on them), ``virtual`` (variants of training images), ``majority`` (never looks at one);
``accelerated`` and ``portable`` switch between scikit-learn and oneDAL.
"""
