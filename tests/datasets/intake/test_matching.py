import re
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medrecog_core.datasets.intake.matching import (
    CASE,
    ENDING,
    NUMBERS,
    ROOT,
    UNICODE,
    ImageNames,
    parts_of,
    split_word,
)

ROOT_PARTS = ("/", "data", "study")


def match(paths, *texts, table="", root=ROOT_PARTS):
    return ImageNames(root, sorted(paths)).match(texts, table)


def found(paths, *texts, **more):
    return [each.paths for each in match(paths, *texts, **more)]


def test_rows_name_images_by_path_name_or_name_without_ending():
    paths = ["a/1.png", "b/2.PNG", "c/d/ISIC_3.v2.jpg"]
    texts = ["a/1.png", "./b/2.PNG", "1.png", "2", "d/ISIC_3.v2", "b\\2.PNG"]
    for text in texts:
        (each,) = match(paths, text)
        assert len(each.paths) == 1
        assert each.kinds == ()


@pytest.mark.parametrize(
    ("text", "path", "kind"),
    [
        ("C:\\Users\\me\\images\\IMG_001.JPG", "images/IMG_001.JPG", ROOT),
        ("/home/u/images/IMG_001.JPG", "images/IMG_001.JPG", ROOT),
        ("gs://bucket/x/IMG_001.JPG", "images/IMG_001.JPG", ROOT),
        ("IMG_001.jpg", "images/IMG_001.JPG", CASE),
        ("img_001", "images/IMG_001.JPG", CASE),
        ("IMG_001.dcm", "images/IMG_001.JPG", ENDING),
        ("IMG_1.JPG", "images/IMG_001.JPG", NUMBERS),
        ("0007.0", "7.png", NUMBERS),
        ("7.0", "images/007.png", NUMBERS),
        ("e\u0301.png", "\u00e9.png", UNICODE),
        ("a  b.png", "a b.png", UNICODE),
    ],
)
def test_looser_ways_are_counted_by_their_kind(text, path, kind):
    (each,) = match([path, "other/x.png"], text)
    assert each.paths == (path,)
    assert kind in each.kinds


def test_the_name_of_the_root_folder_is_no_other_root():
    (each,) = match(["train/p1/view1.jpg"], "study/train/p1/view1.jpg")
    assert (each.paths, each.kinds) == (("train/p1/view1.jpg",), ())


def test_the_longest_common_ending_decides():
    paths = ["a/s1/v.jpg", "a/s2/v.jpg", "b/s1/v.jpg"]
    assert found(paths, "x/a/s1/v.jpg", "x/b/s1/v.jpg") == [("a/s1/v.jpg",), ("b/s1/v.jpg",)]


def test_a_folder_that_is_elsewhere_is_not_passed_over():
    paths = ["valid/p64/study1/view1.jpg", "train/p2/study1/view1.jpg"]
    assert found(paths, "x/train/p1/study1/view1.jpg", "x/train/p2/study1/view1.jpg") == [
        (),
        ("train/p2/study1/view1.jpg",),
    ]


def test_the_folders_that_all_rows_have_are_passed_over_where_nothing_else_fits():
    paths = ["bilder/a/1.png", "bilder/b/1.png"]
    matches = match(paths, "D:/study/images/a/1.png", "D:/study/images/b/1.png")
    assert [each.paths for each in matches] == [("bilder/a/1.png",), ("bilder/b/1.png",)]
    assert all(each.kinds == (ROOT,) for each in matches)


def test_names_alone_are_enough_where_they_are_different():
    assert found(["all/1.png", "all/2.png"], "p/a/1.png", "p/b/2.png") == [
        ("all/1.png",),
        ("all/2.png",),
    ]
    assert found(["all/1.png"], "p/a/1.png", "p/b/1.png") == [(), ()]


def test_an_image_of_another_split_is_another_image():
    assert found(["test/1.png"], "old/train/1.png") == [()]
    assert found(["1.png"], "train/1.png", root=("/", "test")) == [()]
    assert found(["1.png"], "train/1.png", root=("/", "train")) == [("1.png",)]


def test_a_path_goes_before_a_name():
    assert found(["1.png", "a/1.png"], "1.png") == [("1.png",)]


def test_a_name_that_several_files_have_is_not_clear():
    first, second = match(["a/1.png", "b/1.png"], "1.png", "a/1.png")
    assert (first.paths, first.candidates) == ((), ("a/1.png", "b/1.png"))
    assert second.paths == ("a/1.png",)


def test_the_folder_of_the_table_and_the_split_in_its_name_decide_between_files():
    paths = ["train/1.png", "train/2.png", "test/1.png"]
    assert found(paths, "1.png", table="test/labels.csv") == [("test/1.png",)]
    assert found(paths, "1.png", "2.png", table="train.csv") == [("train/1.png",), ("train/2.png",)]
    assert found(paths, "1.png", "2.png", table="labels.csv")[0] == ()


def test_two_spellings_of_one_image_name_none_unless_one_is_exact():
    exact, loose = match(["a/01.png"], "01.png", "1.png")
    assert exact.paths == ("a/01.png",)
    assert (loose.paths, loose.candidates) == ((), ("a/01.png",))
    assert found(["a/01.png"], "001.png", "1.png") == [(), ()]
    assert found(["x.png"], "a/x.png", "b/x.png") == [(), ()]


def test_one_spelling_in_several_rows_names_one_image():
    assert found(["a/1.png"], "1", "1", "1") == [("a/1.png",)] * 3


def test_a_folder_means_all_its_images():
    paths = ["m/train/p1/study1/1.png", "m/train/p1/study1/2.png", "m/train/p11/study1/1.png"]
    assert found(paths, "m/train/p1/study1/", "M\\train\\p11\\study1") == [
        tuple(paths[:2]),
        (paths[2],),
    ]


def test_a_class_is_no_folder():
    assert found(["NORMAL/1.png", "PNEUMONIA/2.png"], "NORMAL", "PNEUMONIA") == [(), ()]


def test_of_very_many_files_of_one_name_some_are_given():
    (each,) = match([f"{i}/v.png" for i in range(300)], "v.png")
    assert (each.paths, each.has_all, len(each.candidates)) == ((), False, 3)


def test_rows_without_a_name_have_no_image():
    assert found(["1.png"], "", "/", ".") == [(), (), ()]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("ISIC2018_Task3_Training_GroundTruth.csv", "train"),
        ("ISIC2018_Task3_Test_GroundTruth.csv", "test"),
        ("valid_labeled_studies.csv", "val"),
        ("train_val_list.txt", "train"),
        ("test_list.txt", "test"),
        ("train_test.csv", ""),
        ("retrain.csv", ""),
        ("latest.csv", ""),
        ("labels.csv", ""),
    ],
)
def test_splits_in_names_of_tables(name, split):
    assert split_word([name]) == split


def test_the_innermost_split_counts():
    assert split_word(["train", "test", "labels.csv"]) == "test"


def test_parts_of_paths_of_any_machine():
    assert (
        parts_of("D:\\a\\b.png")
        == parts_of("/a//b.png")
        == parts_of("./a/b.png")
        == (
            "a",
            "b.png",
        )
    )


# --- Any images, named in any way ---------------------------------------------------------------


folder = st.sampled_from(["a", "A", "b", "img", "01", "1", "é", "train", "test", "study 1"])
stem = st.sampled_from(
    ["1", "01", "001", "10", "img_1", "IMG_1", "img_01", "é", "E", "x.v2", "1.0", "a b", "v"]
)
ending = st.sampled_from([".png", ".PNG", ".jpg", ".dcm", ""])
path = st.builds(
    lambda folders, name, end: "/".join([*folders, name + end]),
    st.lists(folder, max_size=3),
    stem,
    ending,
)

on_path = {
    "same": lambda path: path,
    "windows": lambda path: "D:\\data\\" + path.replace("/", "\\"),
    "absolute": lambda path: f"/home/u/set/{path}",
    "bucket": lambda path: f"gs://bucket/{path}",
    "dot": lambda path: f"./{path}",
    "without first folder": lambda path: path.partition("/")[2],
}
on_name = {
    "same": lambda path: path,
    "lower": str.lower,
    "upper": str.upper,
    "no ending": lambda path: re.sub(r"\.(png|jpg|dcm)$", "", path, flags=re.IGNORECASE),
    "other ending": lambda path: re.sub(r"\.(png|jpg|dcm)$", ".tif", path, flags=re.IGNORECASE),
    "no zeros": lambda path: re.sub(r"(?<!\d)0+(?=\d)", "", path),
    "more zeros": lambda path: re.sub(r"(?<!\d)(?=\d)", "0", path),
    "decomposed": lambda path: unicodedata.normalize("NFD", path),
}


def loosest(path):
    name = re.sub(r"\.(png|jpg|dcm|0+)$", "", path.rpartition("/")[2], flags=re.IGNORECASE)
    return re.sub(r"0+(?=\d)", "", name.casefold())


@given(
    st.lists(path, min_size=1, max_size=8, unique=True),
    st.lists(st.sampled_from(sorted(on_name)), max_size=2),
    st.sampled_from(sorted(on_path)),
    st.data(),
)
def test_a_row_finds_its_own_image_or_none(paths, names, root, data):
    if root == "without first folder":
        first = {each.partition("/")[0] for each in paths if "/" in each}
        assume(len(first) == 1 and all("/" in each for each in paths))
    texts = list(paths)
    for name in names:
        texts = [on_name[name](text) for text in texts]
    texts = [on_path[root](text) for text in texts]
    assume(len(set(texts)) == len(texts))
    for own, each in zip(paths, match(paths, *texts), strict=True):
        assert each.paths in ((), (own,))
    if not names and root != "without first folder":
        plain = [each for each in match(paths, *texts) if each.paths]
        # Where every path is given whole, every image is found.
        assert len(plain) == len(paths)
    # Images that are not there are not replaced by others without it being said.
    assume(not any("zeros" in name for name in names))
    assume(len({loosest(each) for each in paths}) == len(paths))
    there = data.draw(st.sets(st.sampled_from(paths)))
    for own, each in zip(paths, match(there, *texts), strict=True):
        assert each.paths in ((), (own,)) or each.kinds
        if own in there and each.paths:
            assert each.paths == (own,)


@given(st.lists(st.text(max_size=20), max_size=5), st.lists(path, max_size=5, unique=True))
def test_any_text_is_an_image_or_none(texts, paths):
    names = ImageNames(ROOT_PARTS, sorted(paths))
    assert len(names.match(texts)) == len(texts)
    for text in texts:
        assert names.names_image(text) in (True, False)
