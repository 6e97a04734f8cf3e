"""Networks as scikit-learn classifiers, trained from scratch or pre-trained, with convolutions or without.

Enters: images uint8 (n, h, w, c) with labels (n,), and of the suite only ``benchmark.specs``, ``errors``,
``estimators`` and ``utils``. Leaves: fitted classifiers with ``predict`` and ``predict_proba``, and the registered
models as ``catalog.MODELS``.

Reading order: ``catalog`` (what is registered), ``networks`` (the architectures), ``augment`` (batched
augmentation), ``training`` (the loop) and ``classifier`` (``fit`` and ``predict_proba`` around it); then
``efficientnet``, ``backbones`` and ``transfer`` (pre-trained features).
"""
