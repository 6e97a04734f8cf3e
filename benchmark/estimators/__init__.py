"""How any model in scikit-learn's style is configured, fed, scored, timed and saved.

Enters: a model and images. Leaves: checked predictions, scores, seconds, and files of fitted models; nothing here knows
which models there are.

Reading order: ``adapter`` (the interface), ``metrics``, ``history``, ``timing`` and ``feature_cache``,
``serialization``.
"""
