import os
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from medrecog_core.datasets import Decisions, library, read_dataset
from medrecog_core.errors import MedrecogError, UsageError


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
