import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from medrecog_core.datasets import Dataset, ImageRecord, LeftOut, library, read_dataset
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.settings import CACHE_VARIABLE

BAD_NAMES = ["..", ".", "A b", "", "a/b", "../a"]


@pytest.fixture
def skin(write_files):
    root = write_files("nv/1.png", "mel/1.png", "mel/notes.txt")
    read = read_dataset("skin", root)
    return replace(read, images=tuple(replace(image, file=None) for image in read.images))


@pytest.fixture
def three(write_files):
    root = write_files("nv/1.png", "nv/2.png", "mel/1.png", folder="three")
    return library.save(read_dataset("three", root))


@pytest.fixture
def cache_below_a_file(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    return tmp_path / "file" / "cache"


def test_a_data_set_is_loaded_as_it_was_saved(skin):
    kept = library.save(skin)
    assert library.load("skin") == kept
    assert [replace(image, file=None) for image in kept.images] == list(skin.images)
    assert skin.left_out == (LeftOut("mel/notes.txt", "not an image, by its name"),)


def test_every_field_is_kept(tmp_path):
    dataset = Dataset(
        "all-fields",
        tmp_path / "naïve “folder”\udce9",
        (
            ImageRecord("é,\n.png", "a b", "train", "patient 1"),
            ImageRecord("z.png", "漢", "val"),
        ),
        "labels from “table”",
        synthetic=True,
        left_out=(LeftOut("row 2: x", "why"),),
    )
    library.save(dataset)
    assert library.load("all-fields") == dataset


def test_images_lie_under_the_root_or_would_in_the_data_set_s_own_folder(skin, cache):
    library.save(skin)
    assert library.root_of("skin") == skin.root
    assert library.root_of("nothing") == cache.datasets / "nothing" / "images"


def test_a_new_installation_knows_the_demo_alone(cache):
    assert library.names() == ["demo"]
    assert not cache.root.exists()


def test_names_are_sorted_with_the_demo_first(skin):
    for name in ("zebra", "apple"):
        library.save(replace(skin, name=name))
    assert library.names() == ["demo", "apple", "zebra"]


def test_an_unknown_name_is_answered_with_the_known_ones(skin):
    library.save(skin)
    for ask in (library.load, library.remove):
        with pytest.raises(MedrecogError, match="Unknown data set “hair”"):
            ask("hair")


@pytest.mark.parametrize("name", ["skin", "demo"])
def test_a_name_is_given_once(skin, name):
    kept = library.save(skin)
    with pytest.raises(UsageError, match="A data set named"):
        library.save(replace(skin, name=name))
    assert library.load("skin") == kept


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_are_refused_everywhere(skin, name):
    for use in (library.load, library.remove, lambda name: read_dataset(name, skin.root)):
        with pytest.raises(UsageError, match="is not a valid name"):
            use(name)


def test_removing_forgets_the_description_and_leaves_the_images(skin, cache):
    library.save(skin)
    library.remove("skin")
    assert library.names() == ["demo"]
    assert [file for file in cache.datasets.iterdir() if file.suffix != ".lock"] == []
    assert all(skin.absolute_path(image).is_file() for image in skin.images)
    kept = library.save(skin)
    assert library.load("skin") == kept


def test_the_demo_cannot_be_removed():
    with pytest.raises(
        UsageError, match="The demo data set belongs to the program and cannot be deleted"
    ):
        library.remove("demo")


def damaged(**changes):
    whole = {
        "root": "/images",
        "layout": "",
        "images": [["1.png", "a", "", ""], ["2.png", "b", "", ""]],
        "left_out": [],
    }
    return json.dumps({**whole, **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"root": "/images", "ima',
        "[]",
        "null",
        "7",
        '"text"',
        "{}",
        "\ud800",
        damaged(root=None),
        damaged(images=None),
        damaged(images=[]),
        damaged(images=[["1.png", "a", "", "", "more"]]),
        damaged(images=[["1.png", "a", "", "", "sha", 1, 2, 3, 4, 5], ["2.png", "b", "", ""]]),
        damaged(images=[["1.png", "a"], ["2.png", ["b"]]]),
        damaged(images=[["../1.png", "a", "", ""], ["2.png", "b", "", ""]]),
        damaged(images=[[1, "a", "", ""], ["2.png", "b", "", ""]]),
        damaged(images=[["1.png", "a", "dev", ""], ["2.png", "b", "", ""]]),
        damaged(left_out=[{"file": "x"}]),
        damaged(left_out=7),
    ],
)
def test_a_damaged_description_is_named_and_can_be_removed(skin, cache, text):
    library.save(skin)
    file = cache.datasets / "skin" / "dataset.json"
    file.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(StorageError, match=r"skin.*(is damaged|cannot be read).*\.$"):
        library.load("skin")
    library.remove("skin")
    assert library.names() == ["demo"]


def test_a_cache_that_cannot_be_written_is_named_when_saving(skin, cache_below_a_file):
    with pytest.raises(
        StorageError, match=rf"Cannot write to {cache_below_a_file}/datasets .*MEDRECOG_CACHE"
    ):
        library.save(skin)


def test_a_cache_that_cannot_be_read_is_named_when_loading(cache_below_a_file):
    assert library.names() == ["demo"]
    with pytest.raises(StorageError, match=str(cache_below_a_file)):
        library.load("skin")


def test_a_folder_is_read_but_not_kept(skin):
    assert (skin.classes, skin.layout) == (("mel", "nv"), "a folder a class")
    assert library.names() == ["demo"]


def test_relative_paths_become_absolute(skin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_dataset("skin", Path("images")).root == skin.root


def test_a_home_folder_is_found(skin, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_dataset("skin", Path("~/images")).root == skin.root


@pytest.mark.parametrize("folder", ["~nobody-of-that-name/images", "a" * 300, "a\0b"])
def test_what_can_be_no_path_is_refused_in_a_sentence(folder):
    with pytest.raises(MedrecogError, match="cannot be read"):
        read_dataset("skin", Path(folder))


def test_one_class_makes_no_data_set(write_files):
    with pytest.raises(MedrecogError, match="needs at least two classes"):
        read_dataset("skin", write_files("nv/1.png"))


def test_an_image_of_the_data_set_says_what_its_file_was(skin):
    (image, _) = library.save(skin).images
    content = skin.absolute_path(image).read_bytes()
    assert image.file.sha256 == hashlib.sha256(content).hexdigest()
    assert (image.file.n_bytes, image.file.width, image.file.height) == (len(content), 2, 2)
    assert image.file.mode == "RGB"


def test_saving_reports_the_files_one_by_one(skin):
    reported = []
    library.save(skin, lambda *counts: reported.append(counts))
    first, second = (skin.absolute_path(image).stat().st_size for image in skin.images)
    assert reported == [(1, 2, first), (2, 2, first + second)]


def test_a_description_of_an_earlier_version_is_loaded_and_completed(skin, cache):
    folder = cache.datasets / "skin"
    folder.mkdir(parents=True)
    rows = [[image.path, image.label, image.split, image.group] for image in skin.images]
    document = {"name": "skin", "root": str(skin.root), "layout": skin.layout, "synthetic": False}
    (folder / "dataset.json").write_text(json.dumps({**document, "images": rows, "left_out": []}))
    assert [image.file for image in library.load("skin").images] == [None, None]
    completed = library.complete("skin")
    assert all(image.file for image in completed.images)
    assert library.load("skin") == completed


def test_a_copied_cache_folder_finds_the_images_that_lie_in_it(cache, write_files, monkeypatch):
    root = write_files("nv/1.png", "mel/1.png", folder="cache/datasets/skin/images")
    library.save(read_dataset("skin", root))
    cache.root.rename(cache.root.with_name("copied"))
    monkeypatch.setenv(CACHE_VARIABLE, str(cache.root.with_name("copied")))
    moved = library.load("skin")
    assert all(moved.absolute_path(image).is_file() for image in moved.images)


def test_excluded_images_are_kept_apart_with_their_reason(three):
    now = library.exclude("three", ["nv/1.png"], "blurred", "1 blurred image")
    assert library.load("three") == now
    assert [image.path for image in now.images] == ["mel/1.png", "nv/2.png"]
    (exclusion,) = now.excluded
    assert exclusion.image.path == "nv/1.png"
    assert (exclusion.finding, exclusion.reason) == ("blurred", "1 blurred image")


def test_excluding_is_part_of_the_fingerprint_and_is_undone(three):
    fingerprint = library.load("three").fingerprint
    assert library.exclude("three", ["nv/1.png"]).fingerprint != fingerprint
    assert library.include("three", ["nv/1.png"]).fingerprint == fingerprint
    assert library.load("three") == three


def test_an_image_that_is_excluded_again_keeps_its_first_reason(three):
    library.exclude("three", ["nv/1.png"], "blurred", "first")
    now = library.exclude("three", ["nv/1.png"], "tiny", "second")
    assert [exclusion.reason for exclusion in now.excluded] == ["first"]


def test_excluding_a_whole_class_is_refused_and_changes_nothing(three):
    with pytest.raises(MedrecogError, match="Exclude fewer images"):
        library.exclude("three", ["mel/1.png"])
    assert library.load("three") == three


def test_excluding_or_including_an_unknown_image_is_bad_usage(three):
    for use in (library.exclude, library.include):
        with pytest.raises(UsageError, match=r"“three” has no image “x\.png”"):
            use("three", ["x.png"])


@pytest.mark.parametrize("text", ["{", "7", "[1]", '[["nv/1.png"]]'])
def test_a_damaged_list_of_exclusions_is_named(three, cache, text):
    (cache.datasets / "three" / "exclusions.json").write_text(text)
    with pytest.raises(StorageError, match=r"exclusions\.json"):
        library.load("three")


def test_a_refresh_takes_in_what_changed_and_keeps_the_exclusions(three):
    library.exclude("three", ["nv/1.png"], "blurred", "why")
    Image.new("RGB", (5, 5)).save(three.root / "nv/2.png")
    now, changes = library.refresh("three")
    assert [change.path for change in changes] == ["nv/2.png"]
    assert library.load("three") == now
    assert now.images[1].file.width == 5
    assert [exclusion.image.path for exclusion in now.excluded] == ["nv/1.png"]
    assert library.refresh("three") == (now, ())


def test_the_version_changes_with_every_write(three):
    versions = {library.version("three")}
    library.exclude("three", ["nv/1.png"])
    versions.add(library.version("three"))
    (three.root / "nv/2.png").write_bytes(b"")
    library.refresh("three")
    versions.add(library.version("three"))
    assert len(versions) == 3


def test_two_writers_of_one_name_keep_one_data_set(skin):
    for attempt in range(4):
        named = [replace(skin, name=f"new-{attempt}", layout=layout) for layout in ("one", "two")]
        with ThreadPoolExecutor(2) as writers:
            done = [writers.submit(library.save, each) for each in named]
        errors = [each.exception() for each in done]
        assert [type(error) for error in errors if error] == [UsageError]
        assert library.load(named[0].name).layout == named[errors.index(None)].layout


def test_two_people_who_exclude_images_at_once_both_do(tmp_path):
    for label in ("a", "b"):
        (tmp_path / "many" / label).mkdir(parents=True)
        for i in range(8):
            Image.new("RGB", (40 + i, 40), "red").save(tmp_path / f"many/{label}/{i}.png")
    library.save(read_dataset("many", tmp_path / "many"))
    paths = [f"a/{i}.png" for i in range(6)]
    with ThreadPoolExecutor(6) as people:
        for done in [people.submit(library.exclude, "many", [path]) for path in paths]:
            done.result()
    assert sorted(each.image.path for each in library.load("many").excluded) == paths
