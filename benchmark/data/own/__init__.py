"""The user's own pictures: a folder, table, arrays or archive read as a data set, without code.

Enters: a path, whose files are not trusted, and how to read it (``Reading``). Leaves: a data set's specification whose
loader gives ``RawImages``, with what was skipped and why.

Reading order: ``spec`` (a path as a data set), ``load`` (all steps), ``items`` (what a path holds before anything is
decoded), found by ``folder``, ``table``, ``arrays`` and ``archive``; ``labels`` (of any kind), ``decode`` (on all
cores), ``parts`` (what is held out).
"""
