import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import (
    Dataset,
    Decisions,
    FileState,
    ImageRecord,
    find_changes,
    library,
    read_dataset,
)
from medrecog_core.datasets.files import (
    OUTSIDE_WINDOW,
    files_below,
    is_untouched,
    read_state,
    read_states,
    refreshed,
    shown,
    with_states,
)
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import Rendering, UnreadableImageError


def test_files_at_any_depth_are_found_in_order(write_files):
    root = write_files("b/c.txt", "a.png", "b/a/d.png")
    assert files_below(root) == [root / "a.png", root / "b/a/d.png", root / "b/c.txt"]


def test_hidden_files_and_folders_are_passed_over(write_files):
    root = write_files("a.png", ".b.png", ".ipynb_checkpoints/a.png", "c/.thumbnails/a.png")
    assert files_below(root) == [root / "a.png"]


def test_a_folder_that_cannot_be_read_is_named_and_not_passed_over(write_files, monkeypatch):
    root = write_files("a/1.png", "b/1.png")
    scandir = os.scandir

    def locked(folder):
        if Path(folder).name == "b":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", locked)
    with pytest.raises(MedrecogError, match=r"images/b cannot be read \(Permission denied\)"):
        files_below(root)


def test_paths_are_shown_with_question_marks_for_what_is_not_utf_8():
    assert shown("ä/1.png") == "ä/1.png"
    assert shown(os.fsdecode(b"\xe4/1.png")) == "?/1.png"


@pytest.fixture
def picture(tmp_path):
    Image.new("L", (30, 20)).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_state_holds_hash_size_and_header(picture):
    state = read_state(picture)
    content = picture.read_bytes()
    assert state.sha256 == hashlib.sha256(content).hexdigest()
    assert (state.n_bytes, state.width, state.height, state.mode) == (len(content), 30, 20, "L")


def test_a_file_that_is_no_image_has_a_state_without_a_size(tmp_path):
    (tmp_path / "a.jpg").write_text("no picture")
    state = read_state(tmp_path / "a.jpg")
    assert (state.n_bytes, state.width, state.mode) == (10, 0, "")


def test_a_file_that_cannot_be_read_has_none(tmp_path):
    with pytest.raises(UnreadableImageError, match="the file does not exist"):
        read_state(tmp_path / "none.png")


def test_states_stand_in_the_order_of_the_files(picture, tmp_path):
    reported = []
    states = read_states(
        [picture, tmp_path / "none.png", picture], lambda *counts: reported.append(counts)
    )
    assert states[0] == states[2] == read_state(picture)
    assert str(states[1]) == "the file does not exist"
    n_bytes = picture.stat().st_size
    assert reported == [(1, 3, n_bytes), (2, 3, n_bytes), (3, 3, 2 * n_bytes)]


def test_only_files_without_a_state_are_looked_at(write_files):
    dataset = read_dataset("skin", write_files("nv/1.png", "mel/1.png"))
    known = FileState("0" * 64, 1, 2)
    dataset = replace(dataset, images=(replace(dataset.images[0], file=known), dataset.images[1]))
    (first, second) = with_states(dataset).images
    assert first.file == known
    assert second.file.width == 2
    assert with_states(with_states(dataset)) == with_states(dataset)


def test_a_file_is_untouched_until_its_size_or_time_changes(picture):
    state = read_state(picture)
    assert is_untouched(picture, state)
    os.utime(picture, ns=(0, state.modified + 1))
    assert not is_untouched(picture, state)
    picture.unlink()
    assert not is_untouched(picture, state)


def test_frames_and_slices_along_the_axis_are_counted(tmp_path, picture):
    frames = [Image.new("L", (8, 8), i) for i in range(3)]
    frames[0].save(tmp_path / "3.tif", save_all=True, append_images=frames[1:])
    volume = nibabel.Nifti1Image(np.zeros((4, 5, 6), np.int16), np.eye(4))
    nibabel.save(volume, tmp_path / "volume.nii")
    assert read_state(picture).n_frames == 1
    assert read_state(tmp_path / "3.tif").n_frames == 3
    assert read_state(tmp_path / "volume.nii").n_frames == 6
    assert read_state(tmp_path / "volume.nii", axis=0).n_frames == 4
    images = (ImageRecord("volume.nii#3", "a", frame=3), ImageRecord("3.tif#0", "b", frame=0))
    dataset = Dataset("some", tmp_path, images, "made", rendering=Rendering(axis=1))
    assert [image.file.n_frames for image in with_states(dataset).images] == [5, 3]


@pytest.fixture
def skin(write_files):
    root = write_files("nv/1.png", "nv/2.png", "mel/1.png", "mel/2.png")
    for i, path in enumerate(sorted(root.rglob("*.png"))):
        Image.new("RGB", (10 + i, 10)).save(path)
    return library.save(read_dataset("skin", root))


def reasons(dataset):
    return {change.path: change.reason for change in find_changes(dataset)}


def test_nothing_changes_by_itself(skin):
    assert find_changes(skin) == ()


def test_a_file_with_a_new_time_and_the_old_content_is_unchanged(skin):
    os.utime(skin.root / "nv/1.png", ns=(0, 0))
    assert find_changes(skin) == ()


def test_changed_and_vanished_files_are_named(skin):
    Image.new("RGB", (99, 10)).save(skin.root / "nv/1.png")
    (skin.root / "mel/2.png").unlink()
    assert reasons(skin) == {
        "nv/1.png": "it has changed since the data set was added",
        "mel/2.png": "the file does not exist",
    }


def test_a_moved_file_is_found_by_its_content(skin):
    (skin.root / "nv/1.png").rename(skin.root / "nv/renamed.png")
    (skin.root / "nv/more").mkdir()
    (skin.root / "nv/2.png").rename(skin.root / "nv/more/2.png")
    changes = {change.path: change.moved_to for change in find_changes(skin)}
    assert changes == {"nv/1.png": "nv/renamed.png", "nv/2.png": "nv/more/2.png"}


def test_a_file_among_images_of_another_class_has_vanished_not_moved(skin):
    (skin.root / "nv/1.png").rename(skin.root / "mel/3.png")
    assert reasons(skin) == {"nv/1.png": "the file does not exist"}


def test_excluded_images_are_looked_at_too(skin):
    (skin.root / "nv/1.png").unlink()
    assert "nv/1.png" in reasons(library.exclude("skin", ["nv/1.png"]))


def test_a_refreshed_data_set_is_as_its_files_are(skin):
    Image.new("RGB", (99, 10)).save(skin.root / "mel/1.png")
    (skin.root / "mel/2.png").unlink()
    (skin.root / "nv/1.png").rename(skin.root / "nv/0.png")
    now = refreshed(skin, find_changes(skin))
    assert [(image.path, image.label) for image in now.images] == [
        ("mel/1.png", "mel"),
        ("nv/0.png", "nv"),
        ("nv/2.png", "nv"),
    ]
    assert now.images[0].file.width == 99
    assert (now.left_out[-1].path, now.left_out[-1].reason) == (
        "mel/2.png",
        "the file does not exist",
    )
    assert now.fingerprint != skin.fingerprint
    assert find_changes(now) == ()


def test_a_refresh_that_would_leave_one_class_is_refused(skin):
    shutil.rmtree(skin.root / "mel")
    with pytest.raises(MedrecogError, match="at least two classes"):
        library.refresh("skin")
    assert library.load("skin") == skin


def test_a_folder_that_is_gone_is_named(skin):
    skin.root.rename(skin.root.with_name("elsewhere"))
    with pytest.raises(MedrecogError, match=r"The folder .*images .*is missing"):
        find_changes(skin)


def write_deep(path, largest):
    Image.fromarray(np.linspace(0, largest, 64).reshape(8, 8).astype(np.uint16)).save(path)


@pytest.fixture
def deep(tmp_path, cache):
    """Give a data set of 16-bit images in the window of 12 bits."""
    for i in range(4):
        write_deep(tmp_path / f"{i}.png", 4000 + i)
    images = tuple(ImageRecord(f"{i}.png", "ab"[i % 2]) for i in range(4))
    return library.save(
        Dataset("deep", tmp_path, images, "made", rendering=Rendering(window=(0, 4095)))
    )


def test_a_changed_file_with_values_outside_the_window_is_a_warning_and_moves_nothing(deep):
    write_deep(deep.root / "1.png", 60_000)
    write_deep(deep.root / "2.png", 3000)
    changes = {change.path: change for change in find_changes(deep)}
    assert changes["1.png"].outside == (0, 60_000)
    assert "60000" in changes["1.png"].reason
    assert changes["2.png"].outside is None
    now, _ = library.refresh("deep")
    assert now.rendering == deep.rendering
    (warning,) = now.warnings
    assert (warning.id, warning.paths) == (OUTSIDE_WINDOW, ("1.png",))
    assert library.load("deep") == now

    write_deep(deep.root / "1.png", 4095)
    write_deep(deep.root / "3.png", 4096)
    (warning,) = library.refresh("deep")[0].warnings
    assert warning.paths == ("3.png",)
    (deep.root / "3.png").rename(deep.root / "4.png")
    (warning,) = library.refresh("deep")[0].warnings
    assert warning.paths == ("4.png",)
    write_deep(deep.root / "4.png", 10)
    assert library.refresh("deep")[0].warnings == ()


def test_no_window_means_no_warning(deep):
    plain = replace(deep, rendering=Rendering())
    write_deep(deep.root / "1.png", 60_000)
    assert [change.outside for change in find_changes(plain)] == [None]


@pytest.fixture
def stacks(tmp_path, cache):
    """Give a data set whose images are the frames of two files."""
    for name, n in (("a.tif", 3), ("b.tif", 2)):
        write_stack(tmp_path / name, n)
    images = tuple(
        ImageRecord(f"{name}.tif#{i}", name, group=name, frame=i)
        for name, n in (("a", 3), ("b", 2))
        for i in range(n)
    )
    return library.save(Dataset("stacks", tmp_path, images, "made"))


def write_stack(path, n):
    frames = [Image.new("L", (8, 8), 10 * i + n) for i in range(n)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def test_frames_move_with_their_file(stacks):
    assert [image.file.n_frames for image in stacks.images] == [3, 3, 3, 2, 2]
    (stacks.root / "a.tif").rename(stacks.root / "c.tif")
    now, changes = library.refresh("stacks")
    assert [change.moved_to for change in changes] == ["c.tif#0", "c.tif#1", "c.tif#2"]
    assert [image.path for image in now.images if image.label == "a"] == [
        "c.tif#0",
        "c.tif#1",
        "c.tif#2",
    ]
    assert all(now.absolute_path(image).is_file() for image in now.images)


def test_frames_that_a_changed_file_no_longer_has_are_left_out(stacks):
    write_stack(stacks.root / "a.tif", 1)
    now, _ = library.refresh("stacks")
    assert [image.path for image in now.images] == ["a.tif#0", "b.tif#0", "b.tif#1"]
    assert [entry.path for entry in now.left_out] == ["a.tif#1", "a.tif#2"]


@pytest.fixture
def kept(tmp_path):
    for i, label in enumerate("aabbcc"):
        file = tmp_path / "images" / label / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 3), 40 * i).save(file)
    library.save(read_dataset("moved", tmp_path / "images"))
    library.exclude("moved", ["a/0.png"], "blurred", "why")
    return library.choose_classes("moved", merge={"c": "b"})


def test_a_moved_data_set_keeps_everything(kept, tmp_path):
    shutil.move(kept.root, tmp_path / "elsewhere")
    found, changes = library.move("moved", tmp_path / "elsewhere")
    assert changes == ()
    assert found.root == tmp_path / "elsewhere"
    assert library.load("moved") == found
    assert found.fingerprint == kept.fingerprint
    assert [e.reason for e in found.excluded] == ["why"]
    assert library.refresh("moved")[1] == ()


def test_missing_and_changed_images_are_named(kept, tmp_path):
    new = tmp_path / "elsewhere"
    shutil.copytree(kept.root, new)
    (new / "b/2.png").unlink()
    times = (new / "b/3.png").stat()
    Image.new("L", (3, 3), 255).save(new / "b/3.png")
    os.utime(new / "b/3.png", ns=(times.st_atime_ns, times.st_mtime_ns))
    found, changes = library.move("moved", new)
    assert [change.path for change in changes] == ["b/2.png", "b/3.png"]
    assert found.fingerprint == kept.fingerprint
    assert {change.path for change in library.refresh("moved")[1]} >= {"b/2.png"}


def test_a_folder_without_the_images_is_refused(kept, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedrecogError, match=r"None of the 6 images .* with the same content"):
        library.move("moved", tmp_path / "empty")
    with pytest.raises(MedrecogError, match="None of the 6 images"):
        library.move("moved", kept.root / "a")
    with pytest.raises(MedrecogError, match="is not a folder"):
        library.move("moved", tmp_path / "gone")
    assert library.load("moved") == kept
    with pytest.raises(UsageError, match="demo"):
        library.move("demo", tmp_path)
    with pytest.raises(MedrecogError, match="Unknown data set “gone”"):
        library.move("gone", tmp_path)


def test_a_removed_data_set_that_is_added_again_has_its_exclusions(kept, tmp_path):
    library.remove("moved")
    assert "moved" not in library.names()
    shutil.move(kept.root, tmp_path / "elsewhere")
    (tmp_path / "elsewhere/a/0.png").rename(tmp_path / "elsewhere/a/zero.png")
    found = library.save(read_dataset("moved", tmp_path / "elsewhere"))
    assert replace(library.load("moved"), warnings=found.warnings) == found
    assert [(e.image.path, e.finding, e.reason) for e in found.excluded] == [
        ("a/zero.png", "blurred", "why")
    ]
    assert found.classes == ("a", "b")
    assert [warning.id for warning in found.warnings] == ["exclusions-restored"]
    assert found.warnings[0].paths == ("a/zero.png",)


def test_other_images_under_the_name_have_no_exclusions(kept, tmp_path):
    library.remove("moved")
    for i, label in enumerate("xxyy"):
        file = tmp_path / "others" / label / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 40 * i).save(file)
    found = library.save(read_dataset("moved", tmp_path / "others"))
    assert found.excluded == ()
    assert found.warnings == ()
    assert found.classes == ("x", "y")


def test_of_copies_the_one_with_the_likest_path_is_excluded_again(tmp_path):
    for path in ("a/1.png", "a/2.png", "b/1.png"):
        (tmp_path / "images" / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (3, 3)).save(tmp_path / "images" / path)
    decisions = Decisions(keeps_copies=True)
    library.save(read_dataset("copies", tmp_path / "images", decisions))
    library.exclude("copies", ["a/2.png"])
    library.remove("copies")
    found = library.save(read_dataset("copies", tmp_path / "images", decisions))
    assert [e.image.path for e in found.excluded] == ["a/2.png"]
