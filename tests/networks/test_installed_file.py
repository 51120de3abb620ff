import json
import os
import stat
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.networks import import_weights
from medrecog_core.networks.installed_file import (
    CUSTOM,
    Naming,
    install,
    installed_files,
    remove,
    remove_leftovers,
)
from tests.tiny_network import EVERY, TINY, tiny_arrays, write_npz

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def folder(cache):
    return cache.weights


@pytest.fixture
def installed(tmp_path):
    """Weights imported from seeded arrays."""

    def do(seed=0, names=EVERY):
        import_weights(TINY, write_npz(tmp_path / f"{seed}.npz", tiny_arrays(seed, names)))
        return installed_files(TINY)[0][0]

    return do


def test_what_is_installed_is_described(installed, folder):
    file = installed(names=EVERY[:3])
    assert file.identity == f"tiny-custom-{file.sha256[:12]}"
    assert (file.title, file.source) == ("custom weights (0.npz)", "0.npz")
    assert file.layers == ("block1", "block2", "fc1")
    assert file.n_bytes == file.archive.stat().st_size
    assert sorted(p.name for p in folder.iterdir()) == [
        ".lock",
        f"{file.identity}.json",
        f"{file.identity}.npz",
    ]
    assert stat.S_IMODE(file.archive.stat().st_mode) == 0o600
    file.check(TINY)


def test_the_archive_is_one_that_numpy_reads(installed):
    arrays = tiny_arrays()
    with np.load(installed().archive, allow_pickle=False) as archive:
        assert sorted(archive.files) == sorted(f"{n}/{k}" for n in arrays for k in KINDS)
        for name, values in arrays.items():
            for kind, value in zip(KINDS, values, strict=True):
                np.testing.assert_array_equal(archive[f"{name}/{kind}"], value)
                assert archive[f"{name}/{kind}"].dtype == np.float32


KINDS = ("kernel", "bias")


def test_the_folder_works_on_another_machine(installed, tmp_path, monkeypatch):
    file = installed()
    for path in (file.archive, file.description):
        assert str(tmp_path).encode() not in path.read_bytes()
    (tmp_path / "cache").rename(tmp_path / "copied")
    monkeypatch.setenv("MEDRECOG_CACHE", str(tmp_path / "copied"))
    (found,), _ = installed_files(TINY)
    found.check(TINY)


def test_only_named_layers_are_read(installed, monkeypatch):
    file, arrays = installed(), tiny_arrays()
    content = bytearray(file.archive.read_bytes())
    at = content.index(arrays["fc1"][0].tobytes())
    content[at] ^= 1
    file.archive.write_bytes(content)
    found = file.read(TINY, ["predictions", "block1_conv1"])
    assert set(found) == {"predictions", "block1_conv1"}
    np.testing.assert_array_equal(found["predictions"][0], arrays["predictions"][0])
    for read in (lambda: file.read(TINY, ["fc1"]), lambda: file.check(TINY)):
        with pytest.raises(StorageError, match=rf"{file.archive} are damaged at fc1"):
            read()


def test_layers_that_are_not_there_are_named(installed):
    file = installed(names=EVERY[:2])
    with pytest.raises(MedrecogError, match="have no fc1 and no fc2"):
        file.read(TINY, ["block1_conv1", "fc1", "fc2"])


def test_arrays_of_other_shapes_are_damage(installed):
    file = installed()
    arrays = dict(tiny_arrays())
    arrays["fc2"] = (arrays["fc2"][0][:4], arrays["fc2"][1])
    write_npz(file.archive, arrays)
    with pytest.raises(StorageError, match="damaged at fc2"):
        file.read(TINY, ["fc2"])
    arrays["fc2"] = tuple(a.astype(float) for a in tiny_arrays()["fc2"])
    write_npz(file.archive, arrays)
    with pytest.raises(StorageError, match="damaged at fc2"):
        file.read(TINY, ["fc2"])


def test_other_numbers_in_an_intact_archive_are_noticed(installed):
    file = installed()
    write_npz(file.archive, tiny_arrays(1))
    with pytest.raises(StorageError, match="are damaged"):
        file.check(TINY)


@pytest.mark.parametrize("damage", ["gone", "cut", "empty"])
def test_archives_that_are_not_whole_are_listed_as_damaged(installed, damage):
    whole, file = installed(1), installed(2)
    if damage == "gone":
        file.archive.unlink()
    else:
        os.truncate(file.archive, 0 if damage == "empty" else file.n_bytes - 1)
    files, damaged = installed_files(TINY)
    assert files == [whole]
    assert [d.identity for d in damaged] == [file.identity]
    assert damaged[0].sentence.startswith(f"The weights {file.identity} cannot be used (")
    with pytest.raises(StorageError, match="are damaged"):
        file.read(TINY, ["fc1"])


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"identity": 1}', "gone", "other network", "number", "no text"],
)
def test_descriptions_that_are_damaged_are_listed(installed, text):
    file = installed()
    document = json.loads(file.description.read_text())
    if text == "gone":
        file.description.unlink()
    elif text in ("other network", "number", "no text"):
        changes = {"network": "vgg19"}, {"parameters": 5}, {"installed": None}
        change = changes[("other network", "number", "no text").index(text)]
        file.description.write_text(json.dumps({**document, **change}))
    else:
        file.description.write_text(text)
    files, damaged = installed_files(TINY)
    assert files == []
    assert [d.identity for d in damaged] == [file.identity]
    remove(file.identity)
    assert installed_files(TINY) == ([], [])


def test_networks_do_not_see_each_other_s_weights(installed, folder):
    file = installed()
    for path in (file.archive, file.description):
        path.rename(folder / path.name.replace("tiny", "vgg19"))
    assert installed_files(TINY) == ([], [])


@contextmanager
def failing(monkeypatch, owner, name, error):
    def fail(*arguments, **options):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, fail)
        yield


@pytest.mark.parametrize(
    ("owner", "name"), [(os, "fsync"), (Path, "replace"), (os, "fdopen")], ids=str
)
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_an_import_that_fails_leaves_everything_as_it_was(
    installed, folder, monkeypatch, tmp_path, owner, name, error
):
    earlier = installed()
    before = {path: path.read_bytes() for path in folder.iterdir()}
    other = write_npz(tmp_path / "other.npz", tiny_arrays(9))
    expected = StorageError if isinstance(error, OSError) else KeyboardInterrupt
    with failing(monkeypatch, owner, name, error), pytest.raises(expected) as raised:
        import_weights(TINY, other)
    if expected is StorageError:
        assert "No space left on device). Free disk space" in str(raised.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    earlier.check(TINY)


def test_leftovers_of_killed_processes_are_removed_by_the_next(installed, folder):
    file = installed()
    (folder / ".installing-abc").write_bytes(b"half")
    (folder / ".unwrapped-abc").write_bytes(b"half")
    (folder / "weights.h5.part").write_bytes(b"kept")
    remove_leftovers(folder)
    assert {p.name for p in folder.iterdir()} == {
        ".lock",
        "weights.h5.part",
        file.archive.name,
        file.description.name,
    }


def test_a_folder_that_cannot_be_written_to_is_named(cache):
    cache.root.mkdir()
    cache.weights.write_bytes(b"in the way")
    naming = Naming(CUSTOM, "title", "source", "2026-01-01")
    with pytest.raises(StorageError, match=f"Cannot write to {cache.weights}"):
        install(TINY, {}, naming, lambda *_: iter(()))
