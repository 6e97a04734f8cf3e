"""The report as one HTML file that opens offline: the same numbers as the Markdown report, to play with.

Reading order: ``page`` (puts the file together), ``panels`` (what a part of the page is), ``costs`` and ``curves``
(the charts, as Plotly figures), ``leaderboard``, ``explorer`` (predictions and images, packed), ``markdown`` (sections
of the Markdown report as parts of this one), ``colours``, and what they fill: ``report.html.jinja``, ``report.css``,
``report.js``, ``explorer.js``.
"""
