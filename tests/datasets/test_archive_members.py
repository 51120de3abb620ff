from pathlib import Path

import pytest

from medrecog_core.datasets.archive_members import (
    SUFFIXES,
    DamagedArchiveError,
    is_archive,
    opened_archive,
)
from tests.archives import pack


def test_archives_are_told_by_their_ending():
    assert all(is_archive(Path(f"a{suffix}")) for suffix in (*SUFFIXES, ".ZIP", ".Tar.Gz"))
    assert is_archive(Path("a.rar"))  # to be refused with the way out
    assert not any(is_archive(Path(name)) for name in ("a.gz", "zip", "a.png"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_members_come_with_their_length_and_content(tmp_path, suffix):
    path = pack(tmp_path / f"a{suffix}", [("nv/1.png", b"one"), ("2.png", b"")])
    with opened_archive(path) as (members, n_read):
        found = []
        for member, content in members:
            with content() as file:
                found.append((member.name, member.n_bytes, member.kind, file.read()))
        assert 0 < n_read() <= path.stat().st_size
    assert found == [("nv/1.png", 3, "file", b"one"), ("2.png", 0, "file", b"")]


def test_what_a_file_is_its_content_tells_and_not_its_ending(tmp_path):
    path = pack(tmp_path / "a.tar.gz", [("1.png", b"one")]).rename(tmp_path / "a.zip")
    with opened_archive(path) as (members, _):
        assert [member.name for member, _ in members] == ["1.png"]


def test_damage_that_shows_while_reading_is_told_as_such(tmp_path):
    path = pack(tmp_path / "a.tar.gz", [("1.png", bytes(range(256)) * 40)])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DamagedArchiveError), opened_archive(path) as (members, _):
        for _, content in members:
            with content() as file:
                file.read()
