"""Classical models against CNNs on image classification, measured the same way.

Reading order: ``contract`` (what all agree on) and ``schema`` (what is written), ``data`` (where images
come from), ``registry`` (which models and data sets there are), ``runner`` and ``worker`` (one cell in a
process of its own), ``records`` (the store), ``stats``, ``comparison``, ``calibration`` and ``efficiency``
(what the records say), ``report``, ``html`` and ``gate`` (what is made of it), and ``cli``. The models live
beside this package, in ``baselines`` and ``cnn``.
"""
