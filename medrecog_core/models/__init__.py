"""Trained models: saved from the cells of runs, to classify new images."""

from medrecog_core.models.answers import Answer, answer_document, answers_csv, answers_table
from medrecog_core.models.card_text import (
    card_markdown,
    describe_calibration,
    describe_threshold,
    limits,
)
from medrecog_core.models.evidence import ExplainedImage, can_explain, why_unexplained
from medrecog_core.models.exchange import (
    export_model,
    exported_model,
    import_content,
    import_model,
    missing_weights,
)
from medrecog_core.models.known_images import (
    KnownCopy,
    KnownImages,
    describe_copies,
    name_copies,
)
from medrecog_core.models.model import (
    ALL,
    TRAINED_ON,
    TRAINING,
    CalibrationReport,
    Model,
    ModelCard,
    what_is_kept,
    what_would_be_kept,
)
from medrecog_core.models.prediction import Prediction, Predictor, predict_files
from medrecog_core.models.storage import (
    delete_model,
    load_model,
    model_names,
    n_bytes_of,
    read_card,
    save_model,
)
from medrecog_core.models.training import (
    carry_out_training,
    finished_cell,
    start_training,
    train_model,
)
from medrecog_core.models.training_images import Resemblance, TrainingImages
from medrecog_core.runs.neighbours import SimilarImage

__all__ = [
    "ALL",
    "TRAINED_ON",
    "TRAINING",
    "Answer",
    "CalibrationReport",
    "ExplainedImage",
    "KnownCopy",
    "KnownImages",
    "Model",
    "ModelCard",
    "Prediction",
    "Predictor",
    "Resemblance",
    "SimilarImage",
    "TrainingImages",
    "answer_document",
    "answers_csv",
    "answers_table",
    "can_explain",
    "card_markdown",
    "carry_out_training",
    "delete_model",
    "describe_calibration",
    "describe_copies",
    "describe_threshold",
    "export_model",
    "exported_model",
    "finished_cell",
    "import_content",
    "import_model",
    "limits",
    "load_model",
    "missing_weights",
    "model_names",
    "n_bytes_of",
    "name_copies",
    "predict_files",
    "read_card",
    "save_model",
    "start_training",
    "train_model",
    "what_is_kept",
    "what_would_be_kept",
    "why_unexplained",
]
