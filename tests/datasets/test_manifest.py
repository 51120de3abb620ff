from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.atomic_file import read_json, write_json
from medrecog_core.datasets import (
    Dataset,
    DatasetWarning,
    Exclusion,
    FileState,
    ImageRecord,
    LeftOut,
)
from medrecog_core.datasets.manifest import (
    MANIFEST,
    excluding_as_written,
    read_dataset,
    write_exclusions,
    write_manifest,
)
from medrecog_core.errors import StorageError
from medrecog_core.images import PLAIN, Rendering
from tests.renderings import RENDERINGS

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
STATES = st.builds(
    FileState,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    *[st.integers(0, 2**62)] * 2,
    *[st.integers(0, 65_000)] * 2,
    st.sampled_from(["", "L", "RGB", "I;16"]),
    st.sampled_from([1, 1, 12]),
)
IMAGES = st.builds(
    ImageRecord,
    st.from_regex(r"[a-zé漢 ,\"]{1,8}/[0-9]{1,6}\.png", fullmatch=True),
    WORDS,
    st.sampled_from(["", "train", "test", "val"]),
    st.one_of(st.just(""), WORDS),
    st.one_of(st.none(), STATES),
    st.one_of(st.just(""), WORDS),
)
FRAMES = st.builds(
    lambda image, frame: replace(image, path=f"{image.path}#{frame}", frame=frame),
    IMAGES,
    st.integers(0, 500),
)
WARNINGS = st.builds(
    DatasetWarning,
    st.from_regex(r"[a-z]{1,8}(-[a-z0-9]{1,8}){0,2}", fullmatch=True),
    WORDS,
    st.lists(WORDS, max_size=3).map(tuple),
)


@st.composite
def datasets(draw):
    one = st.one_of(IMAGES, FRAMES)
    images = draw(st.lists(one, min_size=4, max_size=12, unique_by=lambda image: image.path))
    images = [replace(images[0], label="a"), replace(images[1], label="b"), *images[2:]]
    n_excluded = draw(st.integers(0, len(images) - 2))
    excluded = [
        Exclusion(image, draw(WORDS), draw(st.text(max_size=20)))
        for image in images[len(images) - n_excluded :]
    ]
    left_out = tuple(draw(st.lists(st.builds(LeftOut, WORDS, WORDS), max_size=3)))
    by_path = tuple(sorted(images, key=lambda image: image.path))
    whole = Dataset(
        "any",
        draw(st.just("root")),
        by_path,
        draw(WORDS),
        left_out=left_out,
        rendering=draw(RENDERINGS),
        warnings=tuple(draw(st.lists(WARNINGS, max_size=2))),
        unlabelled=tuple(draw(st.lists(WORDS, max_size=3))),
        metadata=draw(
            st.dictionaries(
                WORDS,
                st.dictionaries(st.sampled_from([each.path for each in images]), WORDS),
                max_size=3,
            )
        ),
    )
    return whole, excluded


@given(datasets())
def test_every_data_set_is_read_as_it_was_written(tmp_path_factory, drawn):
    folder = tmp_path_factory.mktemp("kept")
    whole, excluded = drawn
    dataset = replace(whole, root=folder / "images").excluding(excluded)
    write_manifest(folder, dataset)
    write_exclusions(folder, dataset)
    read = read_dataset(folder, "any")
    assert read == dataset
    assert read.fingerprint == dataset.fingerprint


@given(datasets(), st.randoms())
def test_the_fingerprint_tells_everything_apart_that_a_run_sees(drawn, random):
    whole, _ = drawn
    whole = replace(whole, root=None)
    image = random.choice(whole.images)
    others = tuple(each for each in whole.images if each is not image)
    for change in (
        {"label": image.label + "x"},
        {"group": image.group + "x"},
        {"split": "test" if image.split != "test" else "train"},
        {"path": "another.png", "frame": None},
        {"fold": image.fold + "x"},
        {"file": FileState("f" * 63 + "0", 1, 1)},
    ):
        changed = tuple(sorted((*others, replace(image, **change)), key=lambda each: each.path))
        if len({each.label for each in changed}) > 1:
            assert replace(whole, images=changed).fingerprint != whole.fingerprint


def test_the_fingerprint_does_not_hang_on_the_place_the_time_or_the_name(tmp_path):
    state = FileState("0" * 64, 1, 1)
    images = (ImageRecord("1.png", "a", file=state), ImageRecord("2.png", "b"))
    here = Dataset("here", tmp_path, images, "x")
    later = (replace(images[0], file=replace(state, modified=2)), images[1])
    assert here.fingerprint == Dataset("there", tmp_path / "y", later, "z").fingerprint


def test_exclusions_of_images_that_are_gone_are_passed_over(tmp_path):
    images = tuple(ImageRecord(f"{i}.png", "ab"[i % 2]) for i in range(4))
    dataset = Dataset("any", tmp_path, images, "x")
    write_exclusions(tmp_path, dataset.excluding([Exclusion(images[3], "tiny", "why")]))
    fewer = replace(dataset, images=images[:3])
    assert excluding_as_written(tmp_path, fewer) == fewer


def test_a_folder_without_a_manifest_has_no_data_set(tmp_path):
    with pytest.raises(FileNotFoundError, match=MANIFEST):
        read_dataset(tmp_path, "any")


OLD_MANIFEST = {
    "name": "old",
    "root": "images",
    "layout": "class folders",
    "synthetic": False,
    "images": [
        ["a/1.png", "a", "train", "p1", "0" * 64, 10, 20, 30, 40, "RGB"],
        ["b/2.png", "b", "test", "", "1" * 64, 11, 21, 31, 41, "I;16"],
        ["b/3.png", "b", "", ""],
    ],
    "left_out": [{"path": "t.txt", "reason": "no image"}],
}


def test_a_manifest_of_version_0_1_0_opens_with_its_fingerprint_and_is_written_as_it_was(tmp_path):
    write_json(tmp_path / MANIFEST, OLD_MANIFEST)
    write_json(tmp_path / "exclusions.json", [["b/3.png", "tiny", "2 pixels"]])
    dataset = read_dataset(tmp_path, "old")
    assert dataset.fingerprint == "545922f997f4512948bf82c42212d491c577fcd1f003afbe3b984515dcc2dfec"
    assert dataset.rendering == PLAIN
    assert dataset.warnings == dataset.unlabelled == ()
    write_manifest(tmp_path, dataset)
    assert read_json(tmp_path / MANIFEST) == OLD_MANIFEST


def test_what_is_new_leaves_the_rows_of_images_as_they_were(tmp_path):
    state = FileState("1" * 64, 1, 1, 8, 8, "I;16", 3)
    images = (
        ImageRecord("a/1.tif#2", "a", file=state, fold="one", frame=2),
        ImageRecord("b/2.png", "b"),
    )
    dataset = Dataset("some", tmp_path, images, "made", rendering=Rendering(window=(0, 4095)))
    write_manifest(tmp_path, dataset)
    document = read_json(tmp_path / MANIFEST)
    assert [len(row) for row in document["images"]] == [10, 4]
    assert document["folds"] == {"a/1.tif#2": "one"}
    assert document["frames"] == {"a/1.tif#2": 2}
    assert document["n_frames"] == {"a/1.tif#2": 3}
    assert Rendering.from_document(document["rendering"]) == dataset.rendering


@pytest.mark.parametrize(
    "member",
    [
        {"rendering": {"window": [2, 1]}},
        {"rendering": {"unknown": 1}},
        {"rendering": "first"},
        {"warnings": [{"id": "Two words", "message": "", "paths": []}]},
        {"warnings": [{"unknown": ""}]},
        {"frames": {"a/1.png": 4}},
        {"frames": []},
        {"n_frames": {"a/1.png": "many"}},
    ],
)
def test_a_manifest_with_a_damaged_member_is_damaged(tmp_path, member):
    write_json(tmp_path / MANIFEST, {**OLD_MANIFEST, **member})
    with pytest.raises(StorageError):
        read_dataset(tmp_path, "old")
