"""Numbers from records: pure functions that read no files and draw nothing.

Enters: records and arrays of predictions (``records``). Leaves: summaries, comparisons with their tests and intervals,
calibration, suspected label errors, learning curves, and pandas DataFrames of them.

Reading order: ``select`` (which runs are compared), ``stats`` (intervals and tests), ``comparison``, ``leaderboard``
and ``frames`` (as DataFrames), then ``calibration``, ``label_errors``, ``learning_curve``.
"""
