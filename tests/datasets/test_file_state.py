import hashlib
import os
from dataclasses import replace

import nibabel
import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import Dataset, FileState, ImageRecord, read_dataset
from medrecog_core.datasets.file_state import is_untouched, read_state, read_states, with_states
from medrecog_core.images import Rendering, UnreadableImageError


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
