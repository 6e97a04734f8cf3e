"""From records to pages that people read: nothing here trains, and nothing here needs torch.

Reading order: ``page`` (puts a report together), ``evidence`` (what it rests on), ``headline``, ``tables``, ``charts``,
``pairs``, ``confusion`` and ``gallery`` (its parts), ``style`` (colours and sizes), and the template
``report.md.jinja``.
"""
