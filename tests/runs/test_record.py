from collections.abc import Mapping
from typing import Any

import pytest

from medrecog_core import atomic_file
from medrecog_core.errors import StorageError
from medrecog_core.runs import Run
from medrecog_core.runs.record import RunRecord


@pytest.fixture
def document(finished: Run) -> dict[str, Any]:
    written: dict[str, Any] = atomic_file.read_json(finished.path / "record.json")
    return written


def changed(document: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    return {**document, name: changed(document[name], rest, value) if rest else value}


def test_document_is_given_as_it_is_written(document: dict[str, Any]) -> None:
    record = RunRecord.from_document(document)
    assert record.to_document() == document
    assert "versions" in document and "train" in record.seconds


def test_stages_in_words_become_ids(document: dict[str, Any]) -> None:
    words = {"learning 8 words": 1.0, "learning 9 words": 2, "training": 3}
    record = RunRecord.from_document(changed(document, "seconds", words))
    assert record.seconds == {"learn-codebook": 3, "train": 3}


def test_members_of_later_versions_are_kept(document: dict[str, Any]) -> None:
    for path in ("later", "dataset.later", "split.later", "weights.later", "device.later"):
        later = changed(document, path, [1, {"a": None}])
        assert RunRecord.from_document(later).to_document() == later


def test_what_an_earlier_version_did_not_record_is_not_written(document: dict[str, Any]) -> None:
    for name in ("rendering", "engine", "engine_choice"):
        del document[name]
    record = RunRecord.from_document(document)
    assert record.engine == "tensorflow"
    assert record.to_document() == document


@pytest.mark.parametrize(
    "name", ["dataset", "split", "weights", "network", "preprocessing", "precision", "skipped"]
)
def test_what_every_version_records_is_needed(document: dict[str, Any], name: str) -> None:
    rest = {member: value for member, value in document.items() if member != name}
    for damaged in ({**document, name: 5}, rest):
        with pytest.raises(ValueError):
            RunRecord.from_document(damaged)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("n_images", -1),
        ("n_images", float("inf")),
        ("memory_bytes", "much"),
        ("dataset.classes", {"waves": -4}),
        ("split.n_folds", 0),
        ("split.n_leaking_groups", 0.5),
        ("device.n_cores", 0),
        ("seconds", {"train": float("nan")}),
        ("seconds", {"train": -1.0}),
        ("peak_memory_bytes", {"extract-224": -1}),
        ("versions", {"numpy": 2}),
        ("rendering", {"window": [1, 1]}),
        ("skipped", [{"path": "a.png"}]),
    ],
)
def test_impossible_values_are_damage(finished: Run, path: str, value: object) -> None:
    file = finished.path / "record.json"
    atomic_file.write_json(file, changed(atomic_file.read_json(file), path, value))
    with pytest.raises(StorageError):
        finished.record()


def test_record_does_not_change(finished: Run) -> None:
    record = finished.needed_record()
    with pytest.raises(ValueError):
        record.sample = "none"  # type: ignore[misc]
    with pytest.raises(ValueError):
        record.dataset.name = "other"  # type: ignore[misc]
