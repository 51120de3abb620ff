"""What a run ran on and with, as its folder keeps it: the parts that every reader relies on."""

from typing import Any

from pydantic import BaseModel

from medrecog_core.errors import MedrecogError
from medrecog_core.images import Rendering
from medrecog_core.jobs.state import by_stage_id


class _Dataset(BaseModel):
    name: str
    layout: str
    synthetic: bool
    classes: dict[str, int]


class _Split(BaseModel):
    kind: str
    n_train: int
    n_test: int
    n_leaking_groups: int


class _Weights(BaseModel):
    identity: str
    title: str


class _Skipped(BaseModel):
    path: str
    reason: str


class _Record(BaseModel):
    dataset: _Dataset
    split: _Split
    weights: _Weights
    network: str
    preprocessing: str
    precision: str
    skipped: list[_Skipped]


def checked_record(document: Any) -> dict[str, Any]:
    """Return a record as it is written, if it has all that readers rely on.

    Stages are named by their ids, also in records of version 0.1.0.

    Raises
    ------
    ValueError
        If it has not, as pydantic's ValidationError, or its rendering is not valid.
    """
    _Record.model_validate(document)
    try:
        Rendering.from_document(document.get("rendering"))
    except MedrecogError as error:
        raise ValueError("the record's rendering is not valid") from error
    record: dict[str, Any] = dict(document)
    for name, combine in (("seconds", sum), ("peak_memory_bytes", max)):
        if name in record:
            record[name] = by_stage_id(record[name].items(), combine)
    return record
