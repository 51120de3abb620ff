import zipfile

import numpy as np
import pytest

from medrecog_core.networks import stored_array as module
from medrecog_core.networks.stored_array import (
    READ_ERRORS,
    bytes_of,
    open_npy_member,
    slab_rows,
    write_npy_member,
)

VALUES = np.random.default_rng(0).normal(size=(50, 3, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch):
    monkeypatch.setattr(module, "_SLAB_BYTES", 7 * VALUES[0].nbytes)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("values", [VALUES, VALUES[:, 0, 0], VALUES.T, VALUES.astype(">f8")])
def test_arrays_that_numpy_saved_are_read_in_slabs(tmp_path, save, values):
    save(tmp_path / "a.npz", **{"fc1/kernel": values})
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        stored = open_npy_member(archive, "fc1/kernel")
        assert (stored.shape, stored.dtype) == (values.shape, values.dtype)
        np.testing.assert_array_equal(stored.read(), values)
        if values is VALUES:
            assert [len(slab) for slab in stored.slabs()] == [7] * 7 + [1]


def test_slabs_that_are_written_are_read_by_numpy(tmp_path):
    for name in ("a.npz", "b.npz"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            write_npy_member(archive, "x/y", VALUES.shape, iter(np.split(VALUES, 5)))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["x/y"], VALUES)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))
    with zipfile.ZipFile(tmp_path / "a.npz") as archive, pytest.raises(ValueError, match="objects"):
        open_npy_member(archive, "x")


def test_a_changed_byte_is_noticed(tmp_path):
    file = tmp_path / "a.npz"
    np.savez(file, x=VALUES)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with zipfile.ZipFile(file) as archive, pytest.raises(zipfile.BadZipFile):
        open_npy_member(archive, "x").read()


def test_a_header_that_promises_more_than_there_is_is_noticed(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        write_npy_member(archive, "x", (10**6, 3), iter([VALUES]))
    with zipfile.ZipFile(tmp_path / "a.npz") as archive, pytest.raises(EOFError):
        for _ in open_npy_member(archive, "x").slabs():
            pass
    assert EOFError in READ_ERRORS


def test_a_slab_has_a_row_at_least():
    assert slab_rows((4, 10**9), np.dtype("f4")) == 1
    assert slab_rows((4,), np.dtype("f4")) > 4


def test_bytes_are_not_copied():
    values = VALUES.copy()
    bytes_of(values)[:4] = np.float32(7).tobytes()
    assert values[0, 0, 0] == 7
