"""Trained models: saved from the cells of runs, to classify new images."""

from medrecog_core.models.answers import Answer, answer_document, answers_csv, answers_table
from medrecog_core.models.card_text import (
    card_markdown,
    describe_calibration,
    describe_test,
    describe_threshold,
    limits,
)
from medrecog_core.models.evaluation import (
    carry_out_evaluation,
    evaluate_model,
    parse_matches,
    proposed_matches,
    start_evaluation,
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
from medrecog_core.models.outside_test import OutsideTest, match_classes
from medrecog_core.models.patient_answer import PatientAnswer, answer_for_patient
from medrecog_core.models.prediction import Prediction, Predictor, predict_files
from medrecog_core.models.storage import (
    MODEL_TRASH,
    delete_model,
    delete_test,
    is_changeable,
    load_model,
    model_names,
    n_bytes_of,
    read_card,
    read_outside_tests,
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
    "MODEL_TRASH",
    "TRAINED_ON",
    "TRAINING",
    "Answer",
    "CalibrationReport",
    "ExplainedImage",
    "KnownCopy",
    "KnownImages",
    "Model",
    "ModelCard",
    "OutsideTest",
    "PatientAnswer",
    "Prediction",
    "Predictor",
    "Resemblance",
    "SimilarImage",
    "TrainingImages",
    "answer_document",
    "answer_for_patient",
    "answers_csv",
    "answers_table",
    "can_explain",
    "card_markdown",
    "carry_out_evaluation",
    "carry_out_training",
    "delete_model",
    "delete_test",
    "describe_calibration",
    "describe_copies",
    "describe_test",
    "describe_threshold",
    "evaluate_model",
    "export_model",
    "exported_model",
    "finished_cell",
    "import_content",
    "import_model",
    "is_changeable",
    "limits",
    "load_model",
    "match_classes",
    "missing_weights",
    "model_names",
    "n_bytes_of",
    "name_copies",
    "parse_matches",
    "predict_files",
    "proposed_matches",
    "read_card",
    "read_outside_tests",
    "save_model",
    "start_evaluation",
    "start_training",
    "train_model",
    "what_is_kept",
    "what_would_be_kept",
    "why_unexplained",
]
