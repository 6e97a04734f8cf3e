"""Pass or fail, with reasons: accuracies against thresholds, predictions against those of a reference.

Enters: records of a collection, a thresholds file, another collection. Leaves: verdicts, also as JUnit XML.

Reading order: ``thresholds``, ``regression``, ``check`` (both over a collection), ``junit``.
"""
