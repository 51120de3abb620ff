"""Experiments: specification, execution as a process, records, trained models, prediction."""

from medrecog_core.experiments.execution import execute, result_document
from medrecog_core.experiments.extracted_dataset import ExtractedDataset, extract_dataset
from medrecog_core.experiments.launching import launch, relaunch, stop
from medrecog_core.experiments.models import (
    Model,
    ModelCard,
    delete_model,
    load_model,
    model_names,
    train_model,
)
from medrecog_core.experiments.plan import Plan, ScalePlan, plan_run
from medrecog_core.experiments.prediction import Prediction, Predictor, predict_files
from medrecog_core.experiments.run_folder import (
    CellResult,
    RunFolder,
    RunImage,
    RunState,
    all_runs,
    create_run,
    find_run,
)
from medrecog_core.experiments.specification import RunSpecification

__all__ = [
    "CellResult",
    "ExtractedDataset",
    "Model",
    "ModelCard",
    "Plan",
    "Prediction",
    "Predictor",
    "RunFolder",
    "RunImage",
    "RunSpecification",
    "RunState",
    "ScalePlan",
    "all_runs",
    "create_run",
    "delete_model",
    "execute",
    "extract_dataset",
    "find_run",
    "launch",
    "load_model",
    "model_names",
    "plan_run",
    "predict_files",
    "relaunch",
    "result_document",
    "stop",
    "train_model",
]
