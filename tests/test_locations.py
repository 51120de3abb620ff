import os
import stat
from pathlib import Path

import pytest

from medrecog_core import locations
from medrecog_core.errors import StorageError
from medrecog_core.locations import (
    cache_folder,
    checkout_folder,
    create_folder,
    dashboard_script,
    default_cache_folder,
    unwritable,
)
from medrecog_core.settings import CACHE_VARIABLE

PROJECT = Path(__file__).parents[1]


def test_the_cache_is_where_the_environment_says(cache, tmp_path):
    assert cache_folder() == cache
    assert cache.root == tmp_path / "cache"


@pytest.mark.parametrize("value", [None, ""])
def test_the_cache_is_below_the_project_where_the_environment_says_nothing(monkeypatch, value):
    if value is None:
        monkeypatch.delenv(CACHE_VARIABLE)
    else:
        monkeypatch.setenv(CACHE_VARIABLE, value)
    assert cache_folder().root == PROJECT / "cache"


def test_a_checkout_keeps_its_cache_and_its_app():
    assert checkout_folder() == PROJECT
    assert default_cache_folder() == PROJECT / "cache"
    assert dashboard_script() == PROJECT / "app.py"


def test_a_wheel_writes_to_the_users_folder_and_runs_its_own_app(monkeypatch, tmp_path):
    (tmp_path / "app.py").touch()
    monkeypatch.setattr(locations, "_DASHBOARD", tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv(CACHE_VARIABLE)
    assert checkout_folder() is None
    assert cache_folder().root == default_cache_folder()
    assert default_cache_folder().name == "medrecog"
    assert PROJECT not in default_cache_folder().parents
    assert dashboard_script() == tmp_path / "app.py"


def test_a_relative_cache_folder_is_made_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, "here/cache")
    assert cache_folder().root == tmp_path / "here" / "cache"


def test_a_cache_folder_in_the_home_folder_is_found(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(CACHE_VARIABLE, "~/cache")
    assert cache_folder().root == tmp_path / "cache"


@pytest.mark.parametrize(
    "part", ["features", "datasets", "runs", "queue", "models", "thumbnails", "weights"]
)
def test_every_part_has_its_folder_in_the_cache(cache, part):
    assert getattr(cache, part) == cache.root / part


def test_feature_maps_have_a_folder_named_as_their_command(cache):
    assert cache.feature_maps == cache.root / "feature-maps"


def test_asking_where_things_are_creates_nothing(cache):
    assert not cache.root.exists()


def test_a_created_folder_and_its_parents_are_the_users_alone(tmp_path):
    assert create_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_exists_keeps_its_mode(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    create_folder(tmp_path / "a")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_file_in_the_way_is_named(tmp_path, below):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / below
    with pytest.raises(StorageError, match=rf"Cannot write to {folder} \(.*{CACHE_VARIABLE}"):
        create_folder(folder)


def test_a_folder_that_may_not_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda folder, mode: False)
    with pytest.raises(StorageError, match=rf"Cannot write to {tmp_path} \(permission denied\)"):
        create_folder(tmp_path)


def test_the_sentence_gives_the_systems_reason():
    error = OSError(28, "No space left on device")
    assert unwritable(Path("/disk/a"), error) == (
        "Cannot write to /disk/a (No space left on device). Free disk space, allow writing there, "
        "or choose another folder with the environment variable MEDRECOG_CACHE."
    )
