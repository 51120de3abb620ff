"""Experiments: specification, execution as a process, records, trained models, prediction."""

from medrecog_core.experiments.execution import execute, result_document
from medrecog_core.experiments.extracted_dataset import ExtractedDataset, extract_dataset
from medrecog_core.experiments.health_check import (
    HealthCheck,
    carry_out_health_check,
    find_health_check,
    launch_health_check,
)
from medrecog_core.experiments.launching import launch, relaunch, stop
from medrecog_core.experiments.models import (
    Model,
    ModelCard,
    delete_model,
    load_model,
    model_names,
    train_model,
)
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
    "HealthCheck",
    "Model",
    "ModelCard",
    "Prediction",
    "Predictor",
    "RunFolder",
    "RunImage",
    "RunSpecification",
    "RunState",
    "all_runs",
    "carry_out_health_check",
    "create_run",
    "delete_model",
    "execute",
    "extract_dataset",
    "find_health_check",
    "find_run",
    "launch",
    "launch_health_check",
    "load_model",
    "model_names",
    "predict_files",
    "relaunch",
    "result_document",
    "stop",
    "train_model",
]
