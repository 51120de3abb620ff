import io
import zipfile

import numpy as np
import pytest

from medrecog_core.models.arrays import read_arrays, write_arrays


def with_header(shape: tuple[int, ...]) -> bytes:
    """Write a file whose array claims a shape and has eight bytes."""
    member, buffer = io.BytesIO(), io.BytesIO()
    header = {"descr": "<f8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(member, header)
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", member.getvalue() + bytes(8))
    return buffer.getvalue()


def test_arrays_survive() -> None:
    given = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(0.5), "c": np.zeros(4, np.float16)}
    found = read_arrays(write_arrays(**given))
    assert found.keys() == given.keys()
    for name, values in given.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


def test_an_array_that_claims_more_numbers_than_it_has_is_not_made_room_for() -> None:
    assert read_arrays(with_header((1,)))["a"].shape == (1,)
    with pytest.raises(ValueError, match="an array declares more numbers than it contains"):
        read_arrays(with_header((10**12,)))


def test_compressed_arrays_are_not_unpacked() -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, a=np.zeros(10**6))
    with pytest.raises(ValueError, match=r"larger than their file|compressed"):
        read_arrays(buffer.getvalue())


def test_objects_are_never_unpickled() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="never unpickled"):
        read_arrays(buffer.getvalue())
