import json

import pytest

from medrecog_core.datasets import library, read_dataset
from medrecog_core.datasets.label_review import (
    EXCLUDE,
    LABEL_ERROR,
    LABELS,
    RELABEL,
    RIGHT,
    UNDO,
    read_review,
)
from medrecog_core.errors import MedrecogError, StorageError, UsageError

FILES = ("nv/1.png", "nv/2.png", "nv/3.png", "mel/1.png", "mel/2.png", "bkl/1.png")


@pytest.fixture
def root(write_files):
    return write_files(*FILES)


@pytest.fixture
def skin(root):
    return library.save(read_dataset("skin", root))


def label_of(dataset, path):
    return {image.path: image.label for image in dataset.every_image}[path]


def history(name="skin"):
    review = read_review(library.folder_of(name))
    return [(each.path, each.decision, each.label) for each in review.history]


def test_a_new_label_is_used_and_undone_and_the_manifest_is_left_alone(skin):
    manifest = (library.folder_of("skin") / "dataset.json").read_bytes()
    changed = library.review_labels("skin", ["nv/1.png"], RELABEL, "mel")
    assert library.load("skin") == changed
    assert label_of(changed, "nv/1.png") == "mel"
    assert [(e.path, e.imported, e.label) for e in changed.relabelled] == [
        ("nv/1.png", "nv", "mel")
    ]
    assert changed.fingerprint != skin.fingerprint
    back = library.review_labels("skin", ["nv/1.png"], UNDO)
    assert (back.fingerprint, back.reviewed) == (skin.fingerprint, ())
    assert history() == [("nv/1.png", RELABEL, "mel"), ("nv/1.png", UNDO, "")]
    assert (library.folder_of("skin") / "dataset.json").read_bytes() == manifest


def test_a_confirmed_label_changes_nothing_that_runs_depend_on(skin):
    confirmed = library.review_labels("skin", ["nv/2.png"], RIGHT)
    assert confirmed.fingerprint == skin.fingerprint
    assert [each.is_changed for each in confirmed.reviewed] == [False]


def test_excluded_images_are_the_exclusions_of_the_data_set(skin):
    excluded = library.review_labels("skin", ["nv/1.png"], EXCLUDE)
    assert [(e.image.path, e.finding) for e in excluded.excluded] == [("nv/1.png", LABEL_ERROR)]
    assert library.include("skin", ["nv/1.png"]).excluded == ()
    library.review_labels("skin", ["nv/1.png"], EXCLUDE)
    again = library.review_labels("skin", ["nv/1.png"], RELABEL, "mel")
    assert (again.excluded, label_of(again, "nv/1.png")) == ((), "mel")


def test_an_image_that_was_excluded_for_another_reason_keeps_it(skin):
    library.exclude("skin", ["nv/1.png"], "duplicates", "a copy")
    for decision in (EXCLUDE, UNDO):
        found = library.review_labels("skin", ["nv/1.png"], decision)
        assert [each.finding for each in found.excluded] == ["duplicates"]


def test_labels_and_the_choice_of_classes_go_together(skin):
    library.choose_classes("skin", merge={"mel": "malignant"}, exclude=["bkl"])
    changed = library.review_labels("skin", ["nv/1.png"], RELABEL, "malignant")
    assert label_of(changed, "nv/1.png") == "malignant"
    assert [(e.imported, e.label) for e in changed.relabelled] == [("nv", "malignant")]
    library.exclude("skin", ["nv/2.png"])
    assert label_of(library.restore_classes("skin"), "nv/1.png") == "mel"
    with pytest.raises(UsageError):
        library.review_labels("skin", ["nv/1.png"], RELABEL, "unknown")


def test_an_image_relabelled_into_an_excluded_class_comes_back_with_it(skin):
    library.review_labels("skin", ["nv/1.png"], RELABEL, "bkl")
    library.choose_classes("skin", exclude=["bkl"])
    library.exclude("skin", ["nv/2.png"])
    assert {e.image.path for e in library.restore_classes("skin").excluded} == {"nv/2.png"}


def test_exclusions_of_a_relabelled_data_set_keep_the_imported_labels(skin):
    library.review_labels("skin", ["nv/1.png"], RELABEL, "mel")
    library.exclude("skin", ["nv/1.png"])
    library.refresh("skin")
    assert label_of(library.imported("skin"), "nv/1.png") == "nv"
    assert label_of(library.load("skin"), "nv/1.png") == "mel"


def test_labels_survive_deletion_for_images_of_the_same_content(skin, root):
    library.review_labels("skin", ["nv/1.png"], RELABEL, "mel")
    library.remove("skin")
    again = library.save(read_dataset("skin", root))
    assert label_of(again, "nv/1.png") == "mel"
    assert again.warnings[-1].id == "labels-restored"
    assert library.load("skin") == again


def test_the_last_images_of_a_class_may_not_make_a_data_set_of_one(write_files):
    library.save(read_dataset("two", write_files("a/1.png", "b/1.png", folder="two")))
    with pytest.raises(MedrecogError):
        library.review_labels("two", ["a/1.png"], RELABEL, "b")
    assert library.load("two").reviewed == ()


@pytest.mark.parametrize("document", [[], {"labels": {"a": ""}, "history": []}, {"labels": 1}])
def test_a_damaged_document_is_named(skin, document):
    (library.folder_of("skin") / LABELS).write_text(json.dumps(document))
    with pytest.raises(StorageError, match=LABELS):
        library.load("skin")


def test_unknown_images_and_decisions_are_refused(skin):
    with pytest.raises(UsageError):
        library.review_labels("skin", ["no.png"], RIGHT)
    with pytest.raises(UsageError):
        library.review_labels("skin", ["nv/1.png"], "perhaps")
