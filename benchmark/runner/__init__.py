"""Plan, isolate, execute, record.

Enters: models, data sets and settings. Leaves: a record of every run, whatever became of it, in a store.

Reading order: ``run`` (plan and execute), ``prepare``, ``supervisor`` and ``job`` (a process per run, with limits),
``worker`` and ``evaluate`` (what happens in it), ``record``; then ``progress`` and ``tracking`` (who follows), ``eta``,
``environment``, ``process_tree``, and what else executes runs: ``tune``, ``reproduce``.
"""
