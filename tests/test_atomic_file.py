import math
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError, StorageError


@pytest.fixture
def file(tmp_path):
    atomic_file.write_bytes(tmp_path / "folder" / "file.json", b"old")
    return tmp_path / "folder" / "file.json"


def assert_untouched(file):
    assert file.read_bytes() == b"old"
    assert [entry.name for entry in file.parent.iterdir()] == ["file.json"]


def test_content_is_replaced_and_nothing_else_is_left(file):
    atomic_file.write_bytes(file, b"new")
    assert file.read_bytes() == b"new"
    assert [entry.name for entry in file.parent.iterdir()] == ["file.json"]


def test_only_the_user_may_read_what_is_written(file):
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("step", ["fsync", "fdopen", "replace"])
def test_a_write_that_fails_leaves_the_old_content_and_no_temporary_file(file, monkeypatch, step):
    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((Path, step) if step == "replace" else (os, step)), fail)
    with pytest.raises(
        StorageError,
        match=rf"Cannot write to {file} \(No space left on device\)\. Free disk space, ",
    ):
        atomic_file.write_bytes(file, b"new")
    assert_untouched(file)


def test_an_export_can_be_read_by_others_and_keeps_the_mode_of_an_earlier_one(tmp_path):
    atomic_file.write_export(tmp_path / "table.csv", b"old")
    assert stat.S_IMODE((tmp_path / "table.csv").stat().st_mode) == 0o644
    (tmp_path / "table.csv").chmod(0o640)
    atomic_file.write_export(tmp_path / "table.csv", b"new")
    assert (tmp_path / "table.csv").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "table.csv").stat().st_mode) == 0o640


def test_an_export_that_fails_leaves_the_earlier_one(file, monkeypatch):
    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(MedrecogError, match=r"\(No space left on device\)"):
        atomic_file.write_export(file, b"new")
    assert_untouched(file)


def test_an_export_goes_into_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    atomic_file.write_export(tmp_path / "pipe", b"content")
    assert os.read(reader, 100) == b"content"
    os.close(reader)


def test_an_interrupted_write_leaves_the_old_content_and_no_temporary_file(file, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic_file.write_bytes(file, b"new")
    assert_untouched(file)


def test_what_cannot_be_serialised_leaves_the_old_content(file):
    with pytest.raises(TypeError):
        atomic_file.write_json(file, {"a": {1, 2}})
    with pytest.raises(TypeError):
        atomic_file.write_bytes(file, "text")
    assert_untouched(file)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "file.json").mkdir()
    with pytest.raises(StorageError, match=r"Cannot write to .*file\.json \(Is a directory\)"):
        atomic_file.write_bytes(tmp_path / "file.json", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_a_folder_that_cannot_be_made_is_named(file):
    with pytest.raises(StorageError, match=rf"Cannot write to {file}/below .*MEDRECOG_CACHE"):
        atomic_file.write_json(file / "below" / "a.json", {})


json_documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 2**64, 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=[])),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


@given(json_documents)
def test_any_document_is_read_as_it_was_written(document):
    with tempfile.TemporaryDirectory() as folder:
        atomic_file.write_json(Path(folder, "a.json"), document)
        assert atomic_file.read_json(Path(folder, "a.json")) == document


def test_text_that_is_not_ascii_can_be_read_by_people(file):
    atomic_file.write_json(file, {"label": "naïve 漢"})
    assert "naïve 漢" in file.read_text("utf-8")


def test_names_that_are_not_utf_8_are_kept(file):
    name = os.fsdecode(b"caf\xe9")
    atomic_file.write_json(file, [name])
    assert atomic_file.read_json(file) == [name]


def test_not_a_number_is_kept(file):
    atomic_file.write_json(file, math.nan)
    assert math.isnan(atomic_file.read_json(file))


def test_a_missing_file_is_told_apart_from_a_damaged_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        atomic_file.read_json(tmp_path / "a.json")


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe\xff", b"{} {}", b"[" * 100_000])
def test_damage_is_told_with_the_file(file, content):
    file.write_bytes(content)
    with pytest.raises(StorageError, match=rf"{file} is damaged or cannot be read: .*\.$"):
        atomic_file.read_json(file)


def test_a_folder_in_place_of_a_document_is_told(tmp_path):
    with pytest.raises(StorageError, match=rf"{tmp_path} is damaged or cannot be read"):
        atomic_file.read_json(tmp_path)


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 20, f"-{10**30}", "9" * 5000])
def test_a_number_that_no_field_can_hold_is_damage(file, number):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{{"a": [{number}]}}')
    with pytest.raises(StorageError):
        atomic_file.read_json(file)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_documents_from_outside_have_finite_numbers_only(number):
    with pytest.raises(ValueError, match="out of bounds"):
        atomic_file.parse_json(f"[{number}]".encode())
    assert atomic_file.parse_json(b"[1, 0.5, -9223372036854775807]") == [1, 0.5, 1 - 2**63]
