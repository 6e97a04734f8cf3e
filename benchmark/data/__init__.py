"""Where images come from, and the one form in which every model sees them.

Reading order: ``catalog`` (which data sets), ``store`` (find, check, decode once, load), ``cache`` (the
decoded arrays), ``idx``, ``fashion_mnist``, ``digits`` and ``vision`` (the loaders), ``splits`` and
``audit``.
"""
