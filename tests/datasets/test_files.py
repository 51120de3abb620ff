import os
from pathlib import Path

import pytest

from medrecog_core.datasets.files import files_below, shown
from medrecog_core.errors import MedrecogError


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
