import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import Dataset, Exclusion, ImageRecord, library, read_dataset
from medrecog_core.datasets.exclusions import CLASS_CHOICE, CLASSES, ClassChoice, read_choice
from medrecog_core.errors import MedrecogError, StorageError, UsageError

LABELS = "aabbbccd"


def dataset(labels=LABELS, name="choice"):
    images = tuple(ImageRecord(f"{i}.png", label) for i, label in enumerate(labels))
    return Dataset(name, Path("/nowhere"), images, "labels")


def chosen(choice=None, only=(), exclude=(), merge=None, of=None):
    return (choice or ClassChoice()).then(of or dataset(), only, exclude, merge or {})


def counts(found):
    return dict(Counter(image.label for image in found.images))


def test_classes_are_merged_and_excluded():
    found = chosen(merge={"d": "c"}, exclude=["a"]).applied(dataset())
    assert counts(found) == {"b": 3, "c": 3}
    assert [(each.image.path, each.finding) for each in found.excluded] == [
        ("0.png", CLASS_CHOICE),
        ("1.png", CLASS_CHOICE),
    ]
    assert counts(chosen(only=["a", "b"]).applied(dataset())) == {"a": 2, "b": 3}
    assert chosen(merge={"a": "a"}).is_empty


def test_choices_come_on_top_of_each_other():
    first = chosen(merge={"d": "c"}, exclude=["a"])
    second = chosen(first, merge={"c": "x", "b": "c"})
    assert counts(second.applied(dataset())) == {"x": 3, "c": 3}
    assert chosen(second, merge={"x": "d", "c": "b"}).names == {"c": "d"}


@pytest.mark.parametrize("choice", [{"only": ["z"]}, {"exclude": ["z"]}, {"merge": {"z": "a"}}])
def test_unknown_classes_are_refused_with_the_known_ones(choice):
    with pytest.raises(UsageError, match=r"Unknown class “z”. Available: a, b, c, d"):
        chosen(**choice)
    with pytest.raises(UsageError, match=r"Unknown class “d”. Available: a, b, c"):
        chosen(chosen(merge={"d": "c"}), exclude=["d"])


def test_fewer_than_two_classes_are_refused():
    for choice in ({"only": ["a"]}, {"merge": dict.fromkeys("abd", "c")}):
        with pytest.raises(MedrecogError, match="fewer than two classes"):
            chosen(**choice).applied(dataset())


def test_own_exclusions_keep_their_reason():
    images = dataset().images
    of = dataset().excluding(
        [Exclusion(images[0], "blurred", "why"), Exclusion(images[7], "x", "")]
    )
    found = chosen(exclude=["a"], merge={"d": "e"}, of=of).applied(of)
    assert [(e.image.path, e.image.label, e.finding) for e in found.excluded] == [
        ("0.png", "a", "blurred"),
        ("1.png", "a", CLASS_CHOICE),
        ("7.png", "e", "x"),
    ]


merges = st.dictionaries(st.sampled_from("abcdx"), st.sampled_from("abcdx"), max_size=3)
classes = st.lists(st.sampled_from("abcdx"), max_size=2)


@given(st.lists(st.tuples(classes, classes, merges), max_size=4))
def test_choices_add_up_to_those_made_one_by_one(steps):
    imported = dataset()
    choice = ClassChoice()
    name_of = {image.path: image.label for image in imported.images}
    for only, exclude, merge in steps:
        try:
            choice = choice.then(imported, only, exclude, merge)
        except UsageError:
            continue
        name_of = {path: merge.get(name, name) for path, name in name_of.items()}
        name_of = {
            path: name
            for path, name in name_of.items()
            if (not only or name in only) and name not in exclude
        }
    assert ClassChoice.from_document(json.loads(json.dumps(choice.to_document()))) == choice
    try:
        found = choice.applied(imported)
    except MedrecogError:
        assert len(set(name_of.values())) < 2
        return
    assert {image.path: image.label for image in found.images} == name_of
    assert len(found.every_image) == len(imported.images)


@pytest.fixture
def kept(write_files):
    root = write_files(*(f"{label}/{i}.png" for i, label in enumerate(LABELS)))
    return library.save(read_dataset("choice", root))


def test_a_choice_is_kept_and_can_be_undone(kept):
    found = library.choose_classes("choice", exclude=["a"], merge={"d": "c"})
    assert library.load("choice") == found
    assert counts(found) == {"b": 3, "c": 3}
    assert found.fingerprint != kept.fingerprint
    assert library.choose_classes("choice", merge={"c": "x"}).classes == ("b", "x")
    assert library.restore_classes("choice") == kept
    assert library.load("choice") == kept
    assert library.restore_classes("choice") == kept


def test_a_choice_that_leaves_too_little_is_not_kept(kept):
    for choice in ({"only": ["a"]}, {"exclude": ["z"]}, {}):
        with pytest.raises(MedrecogError):
            library.choose_classes("choice", **choice)
    assert library.load("choice") == kept


def test_exclusions_and_choices_stay_apart(kept, cache):
    library.exclude("choice", ["b/2.png"])
    library.choose_classes("choice", exclude=["a"])
    library.exclude("choice", ["c/5.png"])
    assert len(library.load("choice").excluded) == 4
    with pytest.raises(UsageError, match=r"excluded with its class “a”.*--restore"):
        library.include("choice", ["a/0.png"])
    library.include("choice", ["c/5.png"])
    restored = library.restore_classes("choice")
    assert [each.image.path for each in restored.excluded] == ["b/2.png"]
    assert read_choice(library.folder_of("choice")).is_empty


def test_files_that_change_leave_the_choice_and_the_labels_of_the_import(kept):
    library.choose_classes("choice", exclude=["a"], merge={"d": "c"})
    (kept.root / "d/7.png").rename(kept.root / "d/8.png")
    now, changes = library.refresh("choice")
    assert [change.moved_to for change in changes] == ["d/8.png"]
    assert now == library.load("choice")
    assert counts(now) == {"b": 3, "c": 3}
    assert counts(library.restore_classes("choice")) == counts(kept)


def test_a_damaged_choice_is_said(kept):
    file = library.folder_of("choice") / CLASSES
    for text in ("{", "[]", '{"names": {"a": ""}, "excluded": []}', '{"names": {}}'):
        file.write_text(text)
        with pytest.raises(StorageError):
            library.load("choice")
    file.write_text('{"names": {}, "excluded": ["a", "b", "c"]}')
    with pytest.raises(StorageError, match="fewer than two classes"):
        library.load("choice")
    assert library.restore_classes("choice") == kept


def test_a_version_changes_with_the_choice(kept):
    before = library.version("choice")
    library.choose_classes("choice", exclude=["a"])
    assert library.version("choice") != before
