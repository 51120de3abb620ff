"""The command line: everything the pages do, with the same functions."""

from medrecog_core.cli.main import main

__all__ = ["main"]
