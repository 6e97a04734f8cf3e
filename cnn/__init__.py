"""Convolutional networks as scikit-learn classifiers.

Reading order: ``catalog`` (what is registered), ``networks`` (the architectures), ``augment`` (batched
augmentation), ``training`` (the loop) and ``classifier`` (``fit`` and ``predict_proba`` around it).
"""
