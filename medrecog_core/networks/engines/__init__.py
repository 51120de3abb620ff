"""What computes networks: engines, and the choice among them."""

from medrecog_core.networks.engines.choice import (
    AUTO,
    ENGINES,
    Choice,
    check_engine,
    choose_engine,
    possible_engines,
)
from medrecog_core.networks.engines.engine import Engine, Graph, Reading

__all__ = [
    "AUTO",
    "ENGINES",
    "Choice",
    "Engine",
    "Graph",
    "Reading",
    "check_engine",
    "choose_engine",
    "possible_engines",
]
