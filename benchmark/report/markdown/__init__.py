"""Renders a report as Markdown with pictures: ``render`` (text and tables), ``draw`` (charts, by matplotlib)."""
