"""Export of results: figures, tables and reports."""
