"""`bundle` and `import-bundle`."""

from pathlib import Path

import pytest

from medrecog_core.runs import Run
from tests.cli.conftest import Call
from tests.textures import NAME


def test_a_run_is_taken_from_one_machine_to_another(
    call: Call, finished: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "runs.zip"
    answer = call("bundle", finished.id, "--to", file, "--by", " Ada ", "--json")
    assert answer.json == {
        "file": str(file),
        "runs": [finished.id],
        "datasets": [NAME],
        "models": [],
        "pictures": "thumbnails",
        "by": "Ada",
        "n_bytes": file.stat().st_size,
        "left_out": [],
        "training_features": [],
        "metadata": [],
    }
    here = call("show", finished.id, "--json").json
    monkeypatch.setenv("MEDRECOG_CACHE", str(tmp_path / "there"))
    first = call("import-bundle", file, "--json").json
    assert (first["runs"], first["already_here"]) == ([finished.id], [])
    assert call("show", finished.id, "--json").json == here
    assert "was not changed" in call("import-bundle", file).out


@pytest.mark.parametrize(
    ("option", "taken"), [("--without-pictures", "none"), ("--with-images", "images")]
)
def test_pictures_are_chosen(
    call: Call, finished: Run, tmp_path: Path, option: str, taken: str
) -> None:
    answer = call("bundle", finished.id, "--to", tmp_path / "runs.zip", option, "--json")
    assert answer.json["pictures"] == taken


def test_what_cannot_be_done_ends_in_a_sentence(call: Call, tmp_path: Path) -> None:
    assert "There is no run “x”" in call("bundle", "x", "--to", tmp_path / "x.zip").sentence
    (tmp_path / "x.zip").write_bytes(b"hello")
    answer = call("import-bundle", tmp_path / "x.zip", "--json")
    assert answer.status == 1
    assert "x.zip is not a medrecog bundle" in answer.sentence
