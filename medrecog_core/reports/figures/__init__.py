"""Charts as Altair draws them, the same on the pages, in files and in reports."""
