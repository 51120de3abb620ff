"""Layouts of published data sets that folders and tables alone do not explain."""

from medrecog_core.datasets.intake.layouts.ham10000 import HAM10000
from medrecog_core.datasets.intake.layouts.hyperkvasir import HYPERKVASIR
from medrecog_core.datasets.intake.layouts.layout import Layout
from medrecog_core.datasets.intake.layouts.mini_mias import MINI_MIAS
from medrecog_core.datasets.intake.layouts.mit67 import MIT67
from medrecog_core.datasets.intake.layouts.mura import MURA

LAYOUTS: tuple[Layout, ...] = (HAM10000, MIT67, HYPERKVASIR, MURA, MINI_MIAS)
"""In the order in which they are tried."""

__all__ = ["LAYOUTS", "Layout"]
