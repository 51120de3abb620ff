from pathlib import Path

import pytest

from medrecog_core.images import SUFFIXES, UNSUPPORTED_SUFFIXES, is_image_file, unsupported


@pytest.mark.parametrize("suffix", sorted(UNSUPPORTED_SUFFIXES))
def test_every_ending_is_named_with_a_remedy(suffix):
    sentence = unsupported(Path(f"a{suffix.upper()}"))
    assert sentence.startswith(f"{suffix} is a")
    assert "; " in sentence
    assert not is_image_file(Path(f"a{suffix}"))


def test_no_ending_is_read_and_not_read():
    assert UNSUPPORTED_SUFFIXES.isdisjoint(SUFFIXES)
    wanted = (".svs", ".ndpi", ".mrxs", ".czi", ".nd2", ".psd", ".dng", ".mha", ".nrrd", ".img")
    assert set(wanted) <= UNSUPPORTED_SUFFIXES


@pytest.mark.parametrize("name", ["a.jpg", "a.nii.gz", "a.txt", "a", "labels.csv", "a.dcm"])
def test_other_files_are_not_named(name):
    assert unsupported(Path(name)) == ""
