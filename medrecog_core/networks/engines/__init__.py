"""What computes networks: engines, and the choice among them."""

from medrecog_core.networks.engines.choice import (
    AUTO,
    ENGINES,
    check_engine,
    choose_engine,
    possible_engines,
)
from medrecog_core.networks.engines.engine import Engine, Graph, Reading

__all__ = [
    "AUTO",
    "ENGINES",
    "Engine",
    "Graph",
    "Reading",
    "check_engine",
    "choose_engine",
    "possible_engines",
]
