"""The command line: all that the pages do, by the same functions."""

from medrecog_core.cli.main import main

__all__ = ["main"]
