"""Renders a report as one HTML file that opens offline: the same blocks as the Markdown one, with interactive charts.

Reading order: ``page`` (puts the file together), ``blocks`` (text, tables and images), ``plotly`` (charts),
``explorer`` (predictions and images, packed), ``colours``, and what they fill: ``report.html.jinja``, ``report.css``,
``report.js``, ``explorer.js``; ``simple`` for pages of tables alone.
"""
