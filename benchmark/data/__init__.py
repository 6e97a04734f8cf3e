"""Where images come from, and the one form in which every model sees them.

Enters: a data set's specification and files, which are not trusted. Leaves: a ``Dataset`` with read-only arrays, a
fixed split and a fingerprint; its integrity checks; corrupted images.

Reading order: ``catalog`` (which data sets), ``load`` (find, check, decode once, load), ``cache`` (the decoded arrays),
``fashion_mnist``, ``digits``, ``torchvision_sets`` and ``idx`` (the loaders), ``pictures`` (made like a data set's
images), ``splits``, ``integrity``,
``near_duplicates``, ``corruptions``. ``published/`` has published accuracies.
"""
