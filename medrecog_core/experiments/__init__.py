"""Experiments: specification, execution as a process, records."""

from medrecog_core.experiments.cell_result import CellResult
from medrecog_core.experiments.cost import Cost, ScaleCost, estimate_cost
from medrecog_core.experiments.execution import execute, launch, result_document
from medrecog_core.experiments.extracted_dataset import ExtractedDataset, extract_dataset
from medrecog_core.experiments.identical_run import identical_run
from medrecog_core.experiments.leakage import Leakage, LeakageReport, measure_leakage
from medrecog_core.experiments.plan import Plan, ScalePlan, plan_run
from medrecog_core.experiments.presets import PRESETS, Preset, find_preset
from medrecog_core.experiments.repetition import changed_cells, read_request, specification_of
from medrecog_core.experiments.run_folder import RunFolder, RunImage
from medrecog_core.experiments.runs import all_runs, create_run, find_run, search_runs
from medrecog_core.experiments.specification import RunSpecification

__all__ = [
    "PRESETS",
    "CellResult",
    "Cost",
    "ExtractedDataset",
    "Leakage",
    "LeakageReport",
    "Plan",
    "Preset",
    "RunFolder",
    "RunImage",
    "RunSpecification",
    "ScaleCost",
    "ScalePlan",
    "all_runs",
    "changed_cells",
    "create_run",
    "estimate_cost",
    "execute",
    "extract_dataset",
    "find_preset",
    "find_run",
    "identical_run",
    "launch",
    "measure_leakage",
    "plan_run",
    "read_request",
    "result_document",
    "search_runs",
    "specification_of",
]
