"""Trained models: made of a run's cells, kept, and asked about new images."""

from medrecog_core.models.evidence import ExplainedImage, Explainer, can_explain
from medrecog_core.models.model import Model, ModelCard
from medrecog_core.models.prediction import Prediction, Predictor, predict_files
from medrecog_core.models.storage import delete_model, load_model, model_names, save_model
from medrecog_core.models.training import train_model

__all__ = [
    "ExplainedImage",
    "Explainer",
    "Model",
    "ModelCard",
    "Prediction",
    "Predictor",
    "can_explain",
    "delete_model",
    "load_model",
    "model_names",
    "predict_files",
    "save_model",
    "train_model",
]
