"""Results to take away: figures, tables."""
