"""What is not a regular file is never opened, whoever is asked to read it."""

import os
import socket

import pytest

from medrecog_core.atomic_file import read_json
from medrecog_core.datasets.files import files_below
from medrecog_core.errors import StorageError
from medrecog_core.regular_file import open_regular, read_regular

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["pipe", "socket", "device", "folder", "link"])
def irregular(request, tmp_path):
    """A path whose reading would not end, or fail."""
    path = tmp_path / "irregular"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "socket":
        bound = socket.socket(socket.AF_UNIX)
        bound.bind(str(path))
        bound.close()
    elif request.param == "folder":
        path.mkdir()
    elif request.param == "link":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to("pipe")
    else:
        path.symlink_to("/dev/zero")
    return path


def test_only_a_regular_file_is_opened(irregular, tmp_path):
    with pytest.raises(OSError, match=r"regular|directory"):
        open_regular(irregular)
    (tmp_path / "file").write_bytes(b"content")
    assert read_regular(tmp_path / "file") == b"content"


def test_a_document_of_the_cache_folder_is_a_regular_file(irregular):
    with pytest.raises(StorageError):
        read_json(irregular)


def test_a_file_that_becomes_a_pipe_while_it_is_opened_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr("medrecog_core.regular_file.check_regular", lambda path: None)
    with pytest.raises(OSError, match="regular"):
        open_regular(tmp_path / "pipe")


def test_only_regular_files_are_listed(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "file.png").touch()
    assert files_below(tmp_path) == [tmp_path / "file.png"]
