"""From records to pages that people read; nothing here trains.

Enters: records and predictions (``records``), numbers of them (``analysis``), and images where they are available.
Leaves: a report as data (``document``), rendered as Markdown with pictures (``markdown``), as one HTML file (``html``)
or, for tables, in the terminal (``terminal``).

Reading order: ``write`` (puts a report together), ``document`` (what it consists of), ``evidence`` (what it is based
on), then its sections in their order there; ``style`` has the models' colours.
"""
