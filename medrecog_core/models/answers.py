"""Predictions of many images as documents and as a table."""

from collections.abc import Sequence
from typing import Any

from medrecog_core.csv_text import csv_text
from medrecog_core.images import UnreadableImageError
from medrecog_core.models.known_images import describe_copies
from medrecog_core.models.prediction import Prediction

Answer = Prediction | UnreadableImageError


def answer_document(file: str, answer: Answer) -> dict[str, Any]:
    """Return a prediction as JSON values.

    Parameters
    ----------
    file
        Name of the image.
    answer
        The prediction, or the error.

    Returns
    -------
    dict
        `file` and `error`; or `file`, `label`, `scores`, `probabilities`, `at_threshold`,
        `unlike_training`, `distance`, `p_value`, `nearest`, `copies` and `remark`, with null for
        missing values. `copies` are the images of the model that it is a copy or near-copy of, and
        `is_copy` of a `nearest` image says whether it is one of them.
    """
    if isinstance(answer, UnreadableImageError):
        return {"file": file, "error": str(answer)}
    alike = answer.resemblance
    copies = {copy.sha256 for copy in answer.copies or ()}
    return {
        "file": file,
        "label": answer.label,
        "scores": answer.scores,
        "probabilities": answer.probabilities,
        "at_threshold": answer.at_threshold,
        "unlike_training": None if alike is None else alike.is_unlike,
        "distance": None if alike is None else alike.distance,
        "p_value": None if alike is None else alike.p_value,
        "nearest": None
        if alike is None
        else [
            {
                "path": near.path,
                "label": near.label,
                "sha256": near.sha256,
                "distance": near.distance,
                "is_copy": near.sha256 in copies,
            }
            for near in alike.nearest
        ],
        "copies": None
        if answer.copies is None
        else [
            {
                "part": "test" if copy.is_test else "training",
                "label": copy.label,
                "sha256": copy.sha256,
                "is_exact": copy.is_exact,
            }
            for copy in answer.copies
        ],
        "remark": answer.remark or None,
    }


def answers_table(files: Sequence[str], answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return predictions as a table with one row per image and fixed columns."""
    rows = [_row(file, answer) for file, answer in zip(files, answers, strict=True)]
    columns = dict.fromkeys(name for row in rows for name in row if name != "error")
    return [{name: row.get(name) for name in (*columns, "error")} for row in rows]


def answers_csv(files: Sequence[str], answers: Sequence[Answer]) -> str:
    """Return that table as CSV."""
    rows = answers_table(files, answers)
    return csv_text(list(rows[0]) if rows else ["file"], (list(row.values()) for row in rows))


def _row(file: str, answer: Answer) -> dict[str, Any]:
    if isinstance(answer, UnreadableImageError):
        return {"file": file, "error": str(answer)}
    row: dict[str, Any] = {"file": file, "label": answer.label}
    if answer.copies is not None:
        row["known image"] = describe_copies(answer.copies)
    if answer.at_threshold is not None:
        row["label at the threshold"] = answer.at_threshold
    for label, value in (answer.probabilities or {}).items():
        row[f"probability of {label}"] = value
    for label, value in answer.scores.items():
        row[f"score of {label}"] = value
    if (alike := answer.resemblance) is not None:
        nearest = alike.nearest[0]
        row |= {
            "unlike the training images": alike.is_unlike,
            "p-value": alike.p_value,
            "nearest label": nearest.label,
            "nearest distance": nearest.distance,
            "nearest file": nearest.path,
        }
    if answer.remark:
        row["remark"] = answer.remark
    return row
