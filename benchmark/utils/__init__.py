"""Helpers that know nothing of images, models or runs.

Enters: paths, numbers, text. Leaves: files written whole or not at all, seeds, and text for people.
"""
