"""What is written to disk, and reading it back.

Enters: results of runs. Leaves: versioned JSON with predictions beside it as ``.npz``, and the same in memory; files
are read as untrusted input, since collections are passed on.

Reading order: ``schema`` and ``dataset_schema`` (the shape), ``store`` (where), ``npz`` (predictions), ``upgrade`` and
``migrate`` (schema 1), ``cleanup`` (after killed runs).
"""
