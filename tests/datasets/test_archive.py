import errno
import gzip
import os
import shutil
import struct
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import LeftOut, archive
from medrecog_core.datasets.archive import (
    ARCHIVE_SUFFIXES,
    Bounds,
    DamagedArchiveError,
    is_archive,
    opened_archive,
    unpack,
)
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from tests.archives import pack


def test_archives_are_told_by_their_ending():
    assert all(is_archive(Path(f"a{suffix}")) for suffix in (*ARCHIVE_SUFFIXES, ".ZIP", ".Tar.Gz"))
    assert is_archive(Path("a.rar"))  # to be refused with the way out
    assert not any(is_archive(Path(name)) for name in ("a.gz", "zip", "a.png"))


@pytest.mark.parametrize("suffix", ARCHIVE_SUFFIXES)
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


KINDS = ("a.zip", "a.tar", "a.tar.gz", "a.tgz")


def files_in(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def refused(tmp_path):
    """Unpack what must be refused, check that nothing is left, and return the sentence."""

    def refuse(path, error=MedrecogError, **options):
        before = {file for file in tmp_path.rglob("*") if ".unpacking" not in str(file)}
        with pytest.raises(error) as raised:
            unpack([path], tmp_path / "set" / "images", **options)
        after = set(tmp_path.rglob("*")) - {tmp_path / "set"}
        assert after == before - {tmp_path / "set"}
        sentence = str(raised.value)
        assert "\n" not in sentence
        return sentence

    return refuse


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    return tmp_path / request.param


def test_files_are_unpacked_with_their_folders(kind, tmp_path):
    members = [("nv/1.png", b"one"), ("mel/deep/2.png", b"two"), ("labels.csv", b"")]
    assert unpack([pack(kind, members)], tmp_path / "images") == []
    assert files_in(tmp_path / "images") == dict(members)
    assert not list(tmp_path.glob(".unpacking-*"))


def test_only_the_owner_may_enter_what_was_unpacked(kind, tmp_path):
    unpack([pack(kind, [("nv/1.png", b"one")])], tmp_path / "images")
    assert (tmp_path / "images").stat().st_mode & 0o077 == 0


def test_several_archives_are_unpacked_into_one_folder(tmp_path):
    archives = [
        pack(tmp_path / "1.zip", [("part_1/1.png", b"1")]),
        pack(tmp_path / "2.tar", [("part_2/2.png", b"2")]),
    ]
    unpack(archives, tmp_path / "images")
    assert files_in(tmp_path / "images") == {"part_1/1.png": b"1", "part_2/2.png": b"2"}


def test_only_what_is_wanted_is_unpacked(kind, tmp_path):
    pack(kind, [("nv/1.png", b"1"), ("mel/1.png", b"2")])
    unpack([kind], tmp_path / "images", keep=lambda name: name.startswith("nv/"))
    assert files_in(tmp_path / "images") == {"nv/1.png": b"1"}


def test_progress_ends_at_the_bytes_of_the_archives(kind, tmp_path):
    seen = []
    pack(kind, [(f"nv/{i}.png", os.urandom(1000)) for i in range(20)])
    unpack([kind], tmp_path / "images", report=lambda *numbers: seen.append(numbers))
    assert seen == sorted(seen)
    assert {total for _, total in seen} == {kind.stat().st_size}


def test_hidden_files_and_those_of_macos_are_passed_over(kind, tmp_path):
    members = [("__MACOSX/nv/._1.png", b""), ("nv/.DS_Store", b""), ("./nv/1.png", b"1")]
    assert unpack([pack(kind, members)], tmp_path / "images") == []
    assert files_in(tmp_path / "images") == {"nv/1.png": b"1"}


@pytest.mark.parametrize("name", ["../1.png", "nv/../../1.png", "..", "nv\\..\\..\\1.png"])
def test_a_name_that_leads_out_is_refused(kind, refused, name):
    sentence = refused(pack(kind, [("nv/1.png", b"1"), (name, b"2")]))
    assert sentence == (
        f"{kind.name} was not extracted because it contains “{name}”, which is outside the folder. "
        "Extract it yourself if you trust it."
    )


@pytest.mark.parametrize("name", ["/etc/1.png", "\\1.png", "C:\\1.png", "//host/1.png"])
def test_an_absolute_path_is_refused(kind, refused, name):
    sentence = refused(pack(kind, [("nv/1.png", b"1"), (name, b"2")]))
    assert f"it contains the absolute path “{name}”" in sentence


@pytest.mark.parametrize(
    ("type_", "word"),
    [
        (tarfile.SYMTYPE, "link"),
        (tarfile.LNKTYPE, "link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.FIFOTYPE, "device"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, refused, type_, word):
    path = pack(tmp_path / "a.tar", [("nv/1.png", b"1")])
    info = tarfile.TarInfo("nv/2.png")
    info.type, info.linkname = type_, "/etc/passwd"
    with tarfile.open(path, "a") as opened:
        opened.addfile(info)
    assert f"it contains the {word} “nv/2.png”" in refused(path)


@pytest.mark.parametrize(("mode", "word"), [(0o120777, "link"), (0o020666, "device")])
def test_links_and_devices_in_a_zip_are_refused(tmp_path, refused, mode, word):
    path = pack(tmp_path / "a.zip", [("nv/1.png", b"1")])
    info = zipfile.ZipInfo("nv/2.png")
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "a") as opened:
        opened.writestr(info, "/etc/passwd")
    assert f"it contains the {word} “nv/2.png”" in refused(path)


def test_a_zip_of_ten_gigabytes_of_zeros_is_refused_before_it_is_unpacked(
    tmp_path, refused, monkeypatch
):
    """Ten members of 1 GB by what they say; what really follows does not matter."""
    content = zipfile.ZIP_DEFLATED
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", content) as opened:
        for i in range(10):
            opened.writestr(f"nv/{i}.bmp", bytes(2**20))
    told = path.read_bytes().replace(struct.pack("<L", 2**20), struct.pack("<L", 2**30))
    path.write_bytes(told)
    monkeypatch.setattr(archive, "_copy", lambda *_: pytest.fail("something was unpacked"))
    assert "it contains more than 0.1 GB when extracted, too much for its size" in refused(path)


def test_a_compressed_tar_of_zeros_is_refused_while_it_is_unpacked(tmp_path, refused):
    path = tmp_path / "a.tar.gz"
    info = tarfile.TarInfo("nv/1.bmp")
    info.size = 10 * 2**30
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf())
        file.write(bytes(2**20))
    assert "too much for its size" in refused(path)


def test_a_header_of_any_length_is_not_read_into_memory(tmp_path, refused):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**32
    path = tmp_path / "a.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert "a header is too large" in refused(path)


def test_bounds_on_bytes_and_members(kind, refused, tmp_path):
    pack(kind, [(f"nv/{i}.png", bytes(100)) for i in range(5)])
    assert "more than the 0.0 GB allowed" in refused(kind, bounds=Bounds(n_bytes=499))
    assert "more than 4 files" in refused(kind, bounds=Bounds(n_members=4))
    unpack([kind], tmp_path / "images", Bounds(n_bytes=500, n_members=5))


def test_a_member_that_is_longer_than_it_says_is_refused(tmp_path, refused):
    path = pack(tmp_path / "a.zip", [("nv/1.png", bytes(1000))])
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", 1000), struct.pack("<L", 10)))
    assert "is damaged" in refused(path)


def test_a_nested_archive_is_left_out_and_listed(kind, tmp_path):
    members = [("nv/1.png", b"1"), ("more/part_2.zip", b"PK"), ("more/x.TAR.GZ", b"")]
    left_out = unpack([pack(kind, members)], tmp_path / "images")
    assert left_out == [LeftOut(n, archive.NESTED) for n in ("more/part_2.zip", "more/x.TAR.GZ")]
    assert files_in(tmp_path / "images") == {"nv/1.png": b"1"}


def test_of_a_whole_every_file_is_unpacked(kind, tmp_path):
    members = [("model/svm.npz", b"arrays"), ("more/part_2.zip", b"PK")]
    assert unpack([pack(kind, members)], tmp_path / "folder", whole=True) == []
    assert files_in(tmp_path / "folder") == dict(members)


def pack_raw(path, members, encoding):
    """Pack files whose names are in an old encoding, as old programs do."""
    if path.suffix != ".zip":
        return pack(
            path, [(os.fsdecode(name.encode(encoding)), content) for name, content in members]
        )

    class RawName(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):
            return self.filename.encode(encoding), 0

    with zipfile.ZipFile(path, "w") as opened:
        for name, content in members:
            opened.writestr(RawName(name), content)
    return path


def test_other_files_whose_names_are_not_utf_8_are_left_out_and_listed(kind, tmp_path):
    pack_raw(kind, [("nv/1.png", b"1"), ("nv/é.doc", b"2")], "cp1252")
    (left_out,) = unpack([kind], tmp_path / "images")
    assert left_out.reason == archive.NOT_UTF_8
    left_out.path.encode()
    assert files_in(tmp_path / "images") == {"nv/1.png": b"1"}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        *(("gbk", "良性/1.png"), ("cp932", "表示ソ/1.png"), ("cp949", "양성/1.png")),
        *(("big5", "良性/1.png"), ("cp850", "Nävus/1.png"), ("cp1251", "норма/1.csv")),
    ],
)
def test_names_in_other_encodings_are_refused_until_theirs_is_given(kind, tmp_path, encoding, name):
    path = pack_raw(kind, [(name, b"1"), ("a/2.png", b"2")], encoding)
    with pytest.raises(MedrecogError, match=r"names are not UTF-8.*--encoding") as refused:
        unpack([path], tmp_path / "images")
    assert f"{encoding} (“{name}”)" in str(refused.value)
    unpack([path], tmp_path / "given", encoding=encoding)
    assert files_in(tmp_path / "given") == {name: b"1", "a/2.png": b"2"}


def test_another_encoding_than_that_of_the_names_is_refused(tmp_path):
    path = pack_raw(tmp_path / "a.zip", [("é/1.png", b"1")], "cp1252")
    with pytest.raises(MedrecogError, match="is not in the encoding cp932"):
        unpack([path], tmp_path / "images", encoding="cp932")
    with pytest.raises(UsageError, match="Unknown encoding “klingon”"):
        unpack([path], tmp_path / "images", encoding="klingon")


def test_a_given_encoding_does_not_touch_names_in_utf_8(kind, tmp_path):
    pack(kind, [("é/1.png", b"1")])
    unpack([kind], tmp_path / "images", encoding="cp932")
    assert files_in(tmp_path / "images") == {"é/1.png": b"1"}


def test_backslashes_in_names_are_folders(tmp_path):
    unpack([pack(tmp_path / "a.zip", [("nv\\sub\\1.png", b"1")])], tmp_path / "images")
    assert files_in(tmp_path / "images") == {"nv/sub/1.png": b"1"}


@pytest.mark.parametrize(
    ("beginning", "word"),
    [
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
    ],
)
def test_other_archives_are_refused_with_the_way_out(tmp_path, beginning, word):
    path = tmp_path / "a.zip"
    path.write_bytes(beginning + bytes(100))
    with pytest.raises(MedrecogError, match=f"is a {word} archive.*add the folder"):
        unpack([path], tmp_path / "images")


def test_utf_8_that_a_zip_does_not_announce_is_read_as_such(tmp_path):
    path = pack(tmp_path / "a.zip", [("nv/XX.png", b"1")])
    path.write_bytes(path.read_bytes().replace(b"nv/XX.png", "nv/é.png".encode()))
    unpack([path], tmp_path / "images")
    assert files_in(tmp_path / "images") == {"nv/é.png": b"1"}


def test_an_encrypted_member_is_refused(tmp_path, refused):
    path = pack(tmp_path / "a.zip", [("nv/1.png", b"secret")])
    content = bytearray(path.read_bytes())
    content[6] |= 1  # local header
    content[content.find(b"PK\1\2") + 8] |= 1  # central directory
    path.write_bytes(content)
    assert refused(path) == (
        "a.zip is encrypted (“nv/1.png”). Extract it with its password and add the folder."
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["nv/1.png", "./nv/1.png", "nv//1.png"])
def test_two_members_of_one_name_are_refused(kind, refused, second):
    sentence = refused(pack(kind, [("nv/1.png", b"1"), (second, b"2")]))
    assert "it contains two files “nv/1.png”. Delete one of them" in sentence


def test_a_file_of_the_same_name_in_two_archives_is_refused(tmp_path):
    archives = [pack(tmp_path / f"{i}.zip", [("nv/1.png", b"1")]) for i in (1, 2)]
    with pytest.raises(MedrecogError, match=r"2\.zip was not extracted .* two files “nv/1\.png”"):
        unpack(archives, tmp_path / "images")
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("members", [("nv", "nv/1.png"), ("nv/1.png", "nv")])
def test_a_file_that_is_another_ones_folder_is_refused(kind, refused, members):
    sentence = refused(pack(kind, [(name, b"1") for name in members]))
    assert "it contains the file and folder “nv”. Rename one of them" in sentence


def test_a_full_disk_gets_one_sentence(kind, refused, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    pack(kind, [("nv/1.png", b"1")])
    monkeypatch.setattr(archive, "_copy", full)
    assert "No space left on device" in refused(kind, error=StorageError)


def test_a_zip_for_which_there_is_no_room_is_refused_beforehand(tmp_path, refused, monkeypatch):
    path = pack(tmp_path / "a.zip", [("nv/1.png", bytes(1000))])
    usage = shutil.disk_usage(tmp_path)._replace(free=999)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "GB are needed" in refused(path, error=StorageError)


def test_a_truncated_archive_is_refused(kind, refused):
    pack(kind, [("nv/1.png", os.urandom(5000))])
    kind.write_bytes(kind.read_bytes()[:2000])
    assert f"{kind.name} is damaged or not an archive of the kinds .zip, .tar, .tar.gz, .tgz" in (
        refused(kind)
    )


def test_a_zip_whose_content_was_changed_is_refused(tmp_path, refused):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("nv/1.png", b"original")
    path.write_bytes(path.read_bytes().replace(b"original", b"0riginal", 1))
    assert "Bad CRC-32" in refused(path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\3\4", b"\x1f\x8b\x08", b"7z\xbc\xaf"])
def test_what_is_no_archive_is_refused(tmp_path, refused, content):
    (tmp_path / "a.zip").write_bytes(content)
    assert "is damaged or not an archive of the kinds" in refused(tmp_path / "a.zip")


def test_a_missing_archive_and_a_folder_are_refused(tmp_path, refused):
    assert "none.zip cannot be read (No such file or directory)" in refused(tmp_path / "none.zip")
    assert "cannot be read (Is a directory)" in refused(tmp_path)


names = st.lists(
    st.sampled_from(["a", "b", "..", ".", "", "/", "\\", "C:", "é", "\udce9", ".x", "__MACOSX"]),
    min_size=1,
    max_size=4,
).map("/".join)


@given(st.lists(names, min_size=1, max_size=4), st.sampled_from(["a.zip", "a.tar"]))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_whatever_the_names_nothing_is_written_outside_the_folder(written, name):
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / "inner"
        inner.mkdir()
        if name == "a.zip":
            written = [n.encode(errors="replace").decode() for n in written]
        path = pack(inner / name, [(n, b"1") for n in written])
        try:
            unpack([path], inner / "set")
        except (MedrecogError, StorageError):
            assert [p.name for p in inner.iterdir()] == [name]
        assert {p.name for p in Path(folder).iterdir()} == {"inner"}
        assert {p.name for p in inner.iterdir()} <= {name, "set"}
