"""The report as one HTML file that opens offline: the same numbers as the Markdown report, to play with."""
