"""Documents from outside have known members, plausible numbers and text that can be shown."""

import copy
import json

import pytest

from medrecog_core import atomic_file
from medrecog_core.datasets import Fold, Split, library
from medrecog_core.datasets.exclusions import ClassChoice
from medrecog_core.datasets.manifest import read_imported
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import Rendering
from medrecog_core.jobs.job import Job
from medrecog_core.jobs.progress import Stage
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import cache_folder
from medrecog_core.runs import RunSpecification
from medrecog_core.runs.labels import RunLabels
from medrecog_core.wording import as_text, is_text
from tests.made_runs import made_run
from tests.textures import add_textures, write_textures


def of_manifest(document):
    folder = cache_folder().datasets / "outside"
    atomic_file.write_json(folder / "dataset.json", document)
    return read_imported(folder, "outside")


def of_order(document):
    folder = cache_folder().jobs / "check-20260101-000000-aaaaaa"
    atomic_file.write_json(folder / "job.json", document)
    return Job(folder).order()


STATE = JobState("running", Stage("train", "Training", "cells"), done=1, total=2, created=1.0)
DOCUMENTS = {
    "state": (JobState.from_document, STATE.to_document()),
    "specification": (
        RunSpecification.from_document,
        RunSpecification(dataset="demo", layers=("block1",)).to_document(),
    ),
    "split": (Split.from_document, Split("k-fold", (Fold((0,), (1,)),), 0).to_document()),
    "labels": (RunLabels.from_document, RunLabels(tags=("a",), note="b").to_document()),
    "classes": (ClassChoice.from_document, ClassChoice({"a": "b"}).to_document()),
    "rendering": (Rendering.from_document, Rendering((0, 9), frame=1, channel=2).to_document()),
    "manifest": (
        of_manifest,
        {
            "root": "images",
            "layout": "a folder a class",
            "images": [
                ["a/1.png", "a", "", "g", "0" * 64, 1, 1, 1, 1, "L"],
                ["b/2.png", "b", "", "", "1" * 64, 1, 1, 1, 1, "L"],
            ],
            "left_out": [],
        },
    ),
    "order": (of_order, {"kind": "check", "subject": "a", "title": "b", "arguments": {}}),
}
REFUSAL = (MedrecogError, ValueError)


def numbers(document, at=()):
    """Give the place of every number in a document."""
    members = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in members:
        if isinstance(value, dict | list):
            yield from numbers(value, (*at, key))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield (*at, key)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_members_and_numbers_are_those_that_the_program_writes(kind):
    read, document = DOCUMENTS[kind]
    read(copy.deepcopy(document))
    with pytest.raises(REFUSAL):
        read({**document, "unknown": 1})
    # Every number greater than 0 is a value of C.
    for *path, last in (place for place in numbers(document) if place != ("C",)):
        for wrong in (1e300, -1e300, "many", [[]]):
            changed = copy.deepcopy(document)
            place = changed
            for key in path:
                place = place[key]
            place[last] = wrong
            with pytest.raises(REFUSAL):
                read(changed)


@pytest.mark.parametrize("text", ['"\\ud800"', '"\\udcff"', '["\\ud83d"]', '{"\\ude00": 1}'])
def test_text_from_outside_has_no_surrogates(tmp_path, text):
    with pytest.raises(ValueError):
        atomic_file.parse_json(text.encode())
    (tmp_path / "file.json").write_text(text)
    if text != '"\\udcff"':  # a byte of the name of a file
        with pytest.raises(MedrecogError):
            atomic_file.read_json(tmp_path / "file.json")
    assert atomic_file.parse_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


def test_words_that_are_not_unicode_are_never_stored():
    run = made_run()
    for action in (
        lambda: run.rename("\udcff"),
        lambda: RunLabels(note="\udcff"),
        lambda: RunLabels(tags=("\udcff",)),
    ):
        with pytest.raises(UsageError):
            action()
    (run.path / "title.json").write_text(json.dumps("\udcff"))
    assert is_text(run.title)
    assert as_text("a\udcffb") == "a?b"
    assert JobState("failed", error="\udcff").error == "?"


def test_a_class_is_not_renamed_to_what_is_not_unicode(tmp_path):
    write_textures(tmp_path / "images")
    add_textures(tmp_path / "images", "one")
    label = library.load("one").classes[0]
    with pytest.raises(MedrecogError):
        library.choose_classes("one", merge={label: "\udcff"})
    assert library.load("one").classes[0] == label
