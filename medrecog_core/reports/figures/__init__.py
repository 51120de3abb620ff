"""Altair charts, the same on pages, in files and in reports."""
