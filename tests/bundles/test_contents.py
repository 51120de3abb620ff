import json
import string
import zipfile
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medrecog_core.bundles.contents import is_safe, read_contents
from medrecog_core.errors import MedrecogError


def test_contents_list_every_file(written):
    contents = read_contents(written[0])
    assert contents.runs == (written[1],)
    assert contents.datasets == ("textures",)
    assert contents.pictures == "thumbnails"
    with zipfile.ZipFile(written[0]) as opened:
        assert {*contents.files, "bundle.json"} == set(opened.namelist())


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x03\x04nothing", b"\x1f\x8b", b"hello"])
def test_any_other_file_is_no_bundle(tmp_path, content):
    file = tmp_path / "other.zip"
    file.write_bytes(content)
    with pytest.raises(MedrecogError, match=r"other\.zip is not a medrecog bundle"):
        read_contents(file)


def test_archive_of_something_else_is_no_bundle(tmp_path):
    file = tmp_path / "other.zip"
    for name, content in (("a.txt", "x"), ("bundle.json", "{}"), ("bundle.json", "[" * 10_000)):
        with zipfile.ZipFile(file, "w") as opened:
            opened.writestr(name, content)
        with pytest.raises(MedrecogError, match="is not a medrecog bundle or is damaged"):
            read_contents(file)


def test_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MedrecogError, match=r"nowhere\.zip cannot be read"):
        read_contents(tmp_path / "nowhere.zip")


def test_bundle_of_a_newer_medrecog_asks_for_an_update(rewrite):
    file = rewrite(contents={"version": 2, "medrecog": "9.9", "novelty": 1})
    with pytest.raises(MedrecogError, match=r"by a newer version of medrecog \(9\.9\)"):
        read_contents(file)


@pytest.mark.parametrize(
    "contents",
    [
        {"pictures": "some"},
        {"runs": 1},
        {"more": 1},
        {"files": {"x": {}}},
        {"version": -1},
        {"version": 0},
        {"version": 1e9},
        {"version": True},
        {"version": "1"},
    ],
)
def test_list_that_is_wrong_is_refused(rewrite, contents):
    with pytest.raises(MedrecogError, match=r"its bundle\.json is not valid"):
        read_contents(rewrite(contents=contents))


@pytest.mark.parametrize(
    "name",
    [
        "../outside.json",
        "/etc/passwd",
        "runs/../../x.json",
        "models/m/card.pkl",
        "runs/x/launch.json",
        "runs/x/cells/../../../x.npy",
        "runs/UP/record.json",
        "weights/x.h5",
        "datasets/d/images/../../../x.png",
        "datasets/d/images/.hidden/x.png",
        "datasets/d/images/a\\..\\x.png",
        "bundled-thumbnails/ab/" + "cd" * 32 + "-256.jpg",
        "state.json",
    ],
)
def test_file_that_no_bundle_holds_is_refused(rewrite, name):
    with pytest.raises(MedrecogError, match="which does not belong in a bundle"):
        read_contents(rewrite({name: b"x"}))


def test_list_and_files_must_agree(rewrite, written, document):
    files = document("bundle.json")["files"]
    some = f"runs/{written[1]}/log.txt"
    for changed, sentence in (
        ({**files, some: {**files[some], "n_bytes": 1}}, "does not match its table of contents"),
        (
            {k: v for k, v in files.items() if k != some},
            "its files do not match its table of contents",
        ),
    ):
        with pytest.raises(MedrecogError, match=sentence):
            read_contents(rewrite(contents={"files": changed}))
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        pytest.raises(MedrecogError, match="its files do not match its table of contents"),
    ):
        read_contents(rewrite(extra=[(some, b"twice")]))
    with pytest.raises(
        MedrecogError, match="its list of runs and data sets does not match its files"
    ):
        read_contents(rewrite(contents={"runs": ["another"]}))


def test_file_larger_than_any_such_is_refused(rewrite, document):
    files = document("bundle.json")["files"]
    name = next(name for name in files if name.startswith("bundled-thumbnails/"))
    files[name]["n_bytes"] = 2**40
    with pytest.raises(MedrecogError, match="is too large"):
        read_contents(rewrite(contents={"files": files}))


@given(st.text(st.sampled_from("ab./\\:\0\n" + string.ascii_uppercase[:2]), max_size=12))
def test_safe_names_stay_in_their_folder_as_they_are(name):
    if is_safe(name):
        path = PurePosixPath("/folder") / name
        assert str(path) == f"/folder/{name}"
        assert ".." not in path.parts
        assert not any(part.startswith(".") for part in path.parts)


@given(content=st.binary(max_size=200), place=st.floats(0, 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_whatever_is_written_over_a_bundle_ends_in_one_sentence_or_none(
    written, tmp_path, content, place
):
    whole = written[0].read_bytes()
    at = int(place * len(whole))
    file = tmp_path / "spoilt.zip"
    file.write_bytes(whole[:at] + content + whole[at + len(content) :])
    try:
        contents = read_contents(file)
    except MedrecogError as error:
        assert "\n" not in str(error)
    else:
        assert json.loads(contents.model_dump_json())
