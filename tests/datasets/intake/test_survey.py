import os
import socket

import pytest

from medrecog_core.datasets.intake.survey import survey_folder
from medrecog_core.errors import MedrecogError


def left_out(survey):
    return {entry.path: entry.reason for entry in survey.left_out}


def warned(survey):
    return {warning.id: warning.paths for warning in survey.warnings}


def test_images_tables_and_the_rest_are_listed_by_their_place(tree):
    root = tree("nv/b.png", "nv/a.PNG", "mel/1.jpg", "labels.csv", "notes/x.txt", "run.py")
    survey = survey_folder(root)
    assert survey.images == ("mel/1.jpg", "nv/a.PNG", "nv/b.png")
    assert survey.tables == ("labels.csv", "notes/x.txt")
    assert left_out(survey) == {"run.py": "not an image, by its name"}
    assert survey.warnings == ()


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match="There is no folder"):
        survey_folder(tmp_path / "gone")


@pytest.mark.parametrize(
    "folder",
    ["@eaDir", "$RECYCLE.BIN", "System Volume Information", "__MACOSX", ".thumbnails", "#snapshot"],
)
def test_system_and_hidden_folders_are_one_entry_with_a_count(tree, folder):
    survey = survey_folder(tree("nv/1.png", f"nv/{folder}/a/1.png", f"nv/{folder}/x.db"))
    assert survey.images == ("nv/1.png",)
    reason = left_out(survey)[f"nv/{folder}"]
    assert "2 files, 1 of them images" in reason
    assert survey.warnings == ()


def test_hidden_files_are_one_entry_a_folder(tree):
    survey = survey_folder(tree("nv/1.png", "nv/.DS_Store", "nv/._1.png", ".x"))
    assert left_out(survey) == {".x": "a hidden file", "nv/.*": "2 hidden files"}
    assert survey.images == ("nv/1.png",)


def test_system_files_and_the_index_of_a_dicom_disc_are_no_images(tree):
    survey = survey_folder(tree("nv/1.png", "nv/Thumbs.db", "desktop.ini", "nv/DICOMDIR"))
    assert survey.images == ("nv/1.png",)
    assert set(left_out(survey)) == {"desktop.ini", "nv/DICOMDIR", "nv/Thumbs.db"}
    assert survey.warnings == ()


def test_links_to_folders_and_files_elsewhere_are_followed_and_said(tree):
    store = tree("p1/1.png", "p1/deep/2.png", "3.png", folder="store")
    root = tree("benign/p0/0.png")
    (root / "benign/p1").symlink_to(store / "p1")
    (root / "malignant").mkdir()
    (root / "malignant/3.png").symlink_to(store / "3.png")
    survey = survey_folder(root)
    assert survey.images == (
        *("benign/p0/0.png", "benign/p1/1.png", "benign/p1/deep/2.png", "malignant/3.png"),
    )
    assert warned(survey) == {"links-followed": ("benign/p1", "malignant/3.png")}


def test_links_in_circles_end_and_are_listed(tree):
    root = tree("a/1.png", "b/2.png")
    (root / "a/up").symlink_to(root)
    (root / "b/self").symlink_to(root / "b")
    (root / "a/around").symlink_to(root.parent)
    survey = survey_folder(root)
    assert survey.images == ("a/1.png", "b/2.png")
    assert set(left_out(survey)) == {"a/around", "a/up", "b/self"}
    assert warned(survey) == {"links-followed": ("a/around", "a/up", "b/self")}


def test_folders_that_link_to_each_other_keep_their_own_images(tree):
    root = tree("a/1.png", "b/2.png")
    (root / "a/loop").symlink_to(root / "b")
    (root / "b/loop").symlink_to(root / "a")
    survey = survey_folder(root)
    assert survey.images == ("a/1.png", "b/2.png")
    assert set(left_out(survey)) == {"a/loop", "b/loop"}


def test_links_that_multiply_end(tree):
    store = tree("d19/1.png", folder="store")
    for i in range(19):
        (store / f"d{i}").mkdir()
        (store / f"d{i}/a").symlink_to(store / f"d{i + 1}")
        (store / f"d{i}/b").symlink_to(store / f"d{i + 1}")
    root = tree("nv/1.png")
    (root / "mel").symlink_to(store / "d0")
    survey = survey_folder(root)
    assert 1 < len(survey.images) < 100


def test_where_links_arrange_the_contents_of_a_folder_beside_them_they_are_what_is_meant(tree):
    root = tree("store/b0/1.png", "store/b1/2.png", "store/m0/3.png")
    for label, patients in (("benign", "b0 b1"), ("malignant", "m0")):
        (root / label).mkdir()
        for patient in patients.split():
            (root / label / patient).symlink_to(root / "store" / patient)
    survey = survey_folder(root)
    assert survey.images == ("benign/b0/1.png", "benign/b1/2.png", "malignant/m0/3.png")
    assert "store" in left_out(survey)
    assert "store" in warned(survey)["links-followed"]


def test_a_second_name_of_a_whole_folder_is_listed(tree):
    root = tree("nv/1.png", "mel/2.png")
    (root / "melanoma").symlink_to(root / "mel")
    survey = survey_folder(root)
    assert survey.images == ("mel/2.png", "nv/1.png")
    assert warned(survey) == {"links-followed": ("melanoma",)}


def test_links_that_lead_nowhere_are_listed_and_warned_about(tree):
    root = tree("nv/1.png")
    (root / "nv/2.png").symlink_to(root / "gone.png")
    (root / "nv/3.png").symlink_to(root / "nv/3.png")
    survey = survey_folder(root)
    assert survey.images == ("nv/1.png",)
    assert warned(survey) == {"broken-links": ("nv/2.png", "nv/3.png")}


def test_pipes_and_sockets_are_listed_and_never_opened(tree, tmp_path, monkeypatch):
    root = tree("nv/1.png")
    os.mkfifo(root / "nv/pipe.png")
    os.mkfifo(root / "nv/pipe")
    (root / "nv/link").symlink_to(root / "nv/pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("nv/socket.png")
        survey = survey_folder(root)
    assert survey.images == ("nv/1.png",)
    assert left_out(survey) == dict.fromkeys(
        ("nv/link", "nv/pipe", "nv/pipe.png", "nv/socket.png"), "a pipe, socket or device"
    )


def test_a_folder_that_cannot_be_read_is_listed_and_the_rest_goes_on(tree, monkeypatch):
    root = tree("nv/1.png", "shut/2.png")
    listing = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    survey = survey_folder(root)
    assert survey.images == ("nv/1.png",)
    assert "Permission denied" in left_out(survey)["shut"]
    assert warned(survey) == {"unreadable-folders": ("shut",)}


def test_names_that_are_not_utf_8_are_listed_and_warned_about(tree):
    survey = survey_folder(tree("nv/1.png", os.fsdecode(b"nv/\xe9.png"), os.fsdecode(b"\xe9.txt")))
    assert survey.images == ("nv/1.png",)
    assert set(left_out(survey)) == {"?.txt", "nv/?.png"}
    assert warned(survey) == {"names-not-utf-8": ("nv/?.png",)}


def test_images_that_are_not_supported_are_named_with_ending_and_count(tree):
    survey = survey_folder(tree("nv/1.png", "nv/a.svs", "nv/b.SVS", "mel/c.mrxs"))
    assert survey.images == ("nv/1.png",)
    (warning,) = survey.warnings
    assert warning.id == "unsupported-files"
    assert warning.paths == ("mel/c.mrxs", "nv/a.svs", "nv/b.SVS")
    assert ".svs (2)" in warning.message
    assert ".mrxs (1)" in warning.message


def test_folders_without_files_that_are_read_are_bare(tree):
    root = tree("a/1.png", "b/c/2.png")
    for folder in ("empty/inner", "slides", "notes"):
        (root / folder).mkdir(parents=True)
    (root / "slides/1.svs").touch()
    (root / "slides/Thumbs.db").touch()
    (root / "notes/1.json").touch()
    assert survey_folder(root).bare == {"empty", "empty/inner", "slides"}


def test_arrays_and_videos_are_named_only_where_there_are_no_images(tree):
    assert survey_folder(tree("nv/1.png", "nv/a.mp4", "all.npz")).warnings == ()
    (warning,) = survey_folder(tree("a/1.mat", "b/2.mat", folder="other")).warnings
    assert warning.paths == ("a/1.mat", "b/2.mat")
