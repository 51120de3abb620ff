"""Runs: specification, execution as a job, records."""

from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.estimate import Cost, Plan, ScaleCost, ScalePlan, estimate_cost, plan_run
from medrecog_core.runs.execution import execute, launch, result_document
from medrecog_core.runs.extracted_dataset import ExtractedDataset, extract_dataset
from medrecog_core.runs.leakage import Leakage, LeakageReport, measure_leakage
from medrecog_core.runs.presets import PRESETS, Preset, find_preset
from medrecog_core.runs.repetition import (
    changed_cells,
    identical_run,
    read_request,
    specification_of,
)
from medrecog_core.runs.run import (
    RUN_TRASH,
    Run,
    all_runs,
    create_run,
    find_run,
)
from medrecog_core.runs.run_list import ListedRun, list_runs, search_runs
from medrecog_core.runs.specification import RunSpecification

__all__ = [
    "PRESETS",
    "RUN_TRASH",
    "CellResult",
    "Cost",
    "ExtractedDataset",
    "Leakage",
    "LeakageReport",
    "ListedRun",
    "Plan",
    "Preset",
    "Run",
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
    "list_runs",
    "measure_leakage",
    "plan_run",
    "read_request",
    "result_document",
    "search_runs",
    "specification_of",
]
