from dataclasses import replace
from pathlib import Path

from medrecog_core.datasets import Dataset, DatasetWarning, Exclusion, ImageRecord
from medrecog_core.datasets.health.import_warnings import CHECKED_AGAIN, import_findings

IMAGES = tuple(ImageRecord(f"{i}.png", "ab"[i % 2]) for i in range(6))


def dataset(*warnings):
    return Dataset("skin", Path("/images"), IMAGES, "made", warnings=warnings)


def test_what_the_import_warned_about_is_found_under_its_id():
    (found,) = import_findings(
        dataset(DatasetWarning("companions", "1 mask left out.", ("1_mask.png",)))
    )
    assert (found.kind, found.severity) == ("companions", "note")
    assert found.words == "1 mask left out."
    assert (found.images, found.files) == ((), ("1_mask.png",))


def test_warnings_of_one_kind_are_one_finding():
    (found,) = import_findings(
        dataset(
            DatasetWarning("unsupported-files", "1 file .svs.", ("x.svs",)),
            DatasetWarning("unsupported-files", "1 file .heic.", ("y.heic",)),
        )
    )
    assert found.words == "1 file .svs. 1 file .heic."
    assert found.files == ("x.svs", "y.heic")


def test_a_warning_about_images_holds_until_all_are_excluded():
    whole = dataset(DatasetWarning("several-frames", "2 files.", ("0.png", "1.png")))
    (found,) = import_findings(whole)
    assert (found.images, found.files) == (("0.png", "1.png"), ())
    one = whole.excluding([Exclusion(IMAGES[0], "chosen", "")])
    (found,) = import_findings(one)
    assert (found.images, found.files) == (("1.png",), ())
    both = whole.excluding(Exclusion(image, "chosen", "") for image in IMAGES[:2])
    assert import_findings(both) == []


def test_what_the_check_looks_for_itself_is_left_to_it():
    assert import_findings(dataset(*(DatasetWarning(each, "x") for each in CHECKED_AGAIN))) == []


def test_what_the_check_has_found_is_not_repeated():
    whole = dataset(DatasetWarning("one-group", "All.", ("0.png",)))
    assert import_findings(whole, {"one-group"}) == []
    assert [found.kind for found in import_findings(whole)] == ["one-group"]


def test_class_names_differ_until_every_split_has_the_same():
    warning = DatasetWarning("class-names-differ", "They differ.")
    images = tuple(
        ImageRecord(f"{split}-{label}.png", label, split)
        for split, label in (("train", "a"), ("train", "b"), ("test", "a"), ("test", "B"))
    )
    whole = Dataset("skin", Path("/images"), images, "made", warnings=(warning,))
    (found,) = import_findings(whole)
    assert (found.kind, found.severity) == ("class-names-differ", "warning")
    same = tuple(replace(image, label=image.label.lower()) for image in images)
    assert import_findings(replace(whole, images=same)) == []


def test_a_kind_without_a_title_has_its_name_as_one():
    (found,) = import_findings(dataset(DatasetWarning("new-kind", "What was decided.")))
    assert found.title == "New kind"
