import shutil
from pathlib import Path

import pytest
from PIL import Image

from medrecog_core.datasets import kept_report, library
from medrecog_core.images import FORMATS
from medrecog_core.locations import CacheFolder
from tests.textures import N_IMAGES, write_textures

from .conftest import Call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_textures(tmp_path / "images")


@pytest.fixture
def with_copy(call: Call, folder: Path) -> Path:
    """Make a data set known that has one file twice."""
    shutil.copy(folder / "noise/noise-0.png", folder / "noise/noise-9.png")
    call("datasets", "add", "textures", folder, "--keep-copies")
    return folder


class TestCheck:
    def test_a_whole_data_set(self, call: Call, known: Path) -> None:
        answer = call("datasets", "check", "textures", "--json")
        assert answer.status == 0
        assert answer.json["unreadable"] == []
        assert "All 12 images can be read." in call("datasets", "check", "textures").out

    def test_unreadable_images_are_listed_with_the_reason(self, call: Call, folder: Path) -> None:
        call("datasets", "add", "textures", folder)
        (folder / "waves/waves-1.png").write_bytes(b"")
        (folder / "noise/noise-2.png").write_text("no picture")
        answer = call("datasets", "check", "textures", "--json")
        assert answer.status == 0
        reasons = {Path(e["path"]).name: e["reason"] for e in answer.json["unreadable"]}
        assert set(reasons) == {"waves-1.png", "noise-2.png"}
        assert reasons["waves-1.png"] == "the file is empty"
        assert ", ".join(FORMATS) in reasons["noise-2.png"]
        assert "2 of 12 images cannot be read" in call("datasets", "check", "textures").out

    def test_findings_are_kept_and_printed_with_what_they_exclude(
        self, call: Call, with_copy: Path
    ) -> None:
        answer = call("datasets", "check", "textures", "--json")
        (found,) = (f for f in answer.json["health"]["findings"] if f["kind"] == "duplicates")
        assert found["images"] == ["noise/noise-0.png", "noise/noise-9.png"]
        assert found["to_exclude"] == ["noise/noise-9.png"]
        assert answer.json["health"]["fingerprint"] == library.load("textures").fingerprint
        report = kept_report("textures")
        assert report is not None and report.finding("duplicates") is not None
        out = call("datasets", "check", "textures").out
        assert "warning: 1 exact duplicate [duplicates]" in out
        assert "datasets exclude textures --finding duplicates\n" in out
        assert "datasets restore textures --finding duplicates\n" in out
        assert "Not enough images per class to test for shortcuts." in out

    def test_a_changed_file_is_named_until_the_check_takes_it_in(
        self, call: Call, with_copy: Path
    ) -> None:
        shutil.copy(with_copy / "noise/noise-1.png", with_copy / "noise/noise-9.png")
        changed = call("datasets", "check", "textures", "--json").json["changed"]
        assert changed == [
            {"path": "noise/noise-9.png", "reason": "it has changed since the data set was added"}
        ]
        assert call("datasets", "check", "textures", "--refresh", "--json").json["changed"] == []

    def test_an_unknown_data_set(self, call: Call, known: Path, cache: CacheFolder) -> None:
        for command in ("check", "refresh"):
            answer = call("datasets", command, "nothing", "--json")
            assert answer.status == 1
            assert answer.sentence == "Unknown data set “nothing”. Available: demo, textures."
            assert answer.json == {"error": answer.sentence}
        assert not (cache.datasets / "nothing").exists()


class TestRefresh:
    def test_changed_files_are_taken_in(self, call: Call, with_copy: Path) -> None:
        before = library.load("textures").fingerprint
        (with_copy / "noise/noise-9.png").unlink()
        answer = call("datasets", "refresh", "textures", "--json")
        assert answer.status == 0
        assert answer.json["n_images"] == N_IMAGES
        assert answer.json["changed"] == [
            {"path": "noise/noise-9.png", "reason": "the file does not exist"}
        ]
        assert library.load("textures").fingerprint != before
        assert "No file of textures has changed." in call("datasets", "refresh", "textures").out


class TestExclude:
    def test_a_finding_is_excluded_and_taken_back(self, call: Call, with_copy: Path) -> None:
        answer = call("datasets", "exclude", "textures", "--finding", "duplicates", "--json")
        assert answer.status == 0
        assert (answer.json["n_images"], answer.json["n_excluded"]) == (N_IMAGES, 1)
        assert answer.json["excluded"] == [
            {
                "path": "noise/noise-9.png",
                "finding": "duplicates",
                "reason": "1 exact duplicate",
            }
        ]
        assert "1 more excluded" in call("datasets", "check", "textures").out
        answer = call("datasets", "restore", "textures", "--finding", "duplicates", "--json")
        assert (answer.json["n_images"], answer.json["excluded"]) == (N_IMAGES + 1, [])

    def test_a_finding_whose_remedy_merges_classes(self, call: Call, folder: Path) -> None:
        shutil.copytree(folder / "waves", folder / "Waves ")
        for file in (folder / "Waves ").iterdir():
            Image.open(file).transpose(Image.Transpose.ROTATE_90).save(file)
        call("datasets", "add", "textures", folder)
        out = call("datasets", "exclude", "textures", "--finding", "similar-class-names").out
        assert "datasets classes textures --restore" in out
        assert len(library.load("textures").classes) == 3
        answer = call("datasets", "exclude", "textures", "--finding", "similar-class-names")
        assert answer.status == 1

    def test_single_images_are_excluded_with_a_reason(self, call: Call, known: Path) -> None:
        images = ["--image", "noise/noise-1.png", "--image", "waves/waves-1.png"]
        out = call("datasets", "exclude", "textures", *images, "--reason", "hand in view").out
        assert out.startswith("2 images excluded, 0 restored; textures has 10 images in use")
        assert "hand in view" in out
        assert call("datasets", "restore", "textures", "--all", "--json").json["excluded"] == []

    def test_images_of_excluded_classes_stay_excluded(self, call: Call, known: Path) -> None:
        library.choose_classes("textures", exclude=["noise"])
        call("datasets", "exclude", "textures", "--image", "waves/waves-1.png")
        left = call("datasets", "restore", "textures", "--all", "--json").json["excluded"]
        assert {each["finding"] for each in left} == {"class-choice"}

    @pytest.mark.parametrize("arguments", [[], ["--finding", "tiny", "--image", "a.png"]])
    def test_it_must_be_said_what_is_excluded(
        self, call: Call, known: Path, arguments: list[str]
    ) -> None:
        for command in ("exclude", "restore"):
            answer = call("datasets", command, "textures", *arguments)
            assert answer.status == 2
            assert "Enter the images to" in answer.sentence

    def test_a_finding_that_is_not_there(self, call: Call, known: Path) -> None:
        answer = call("datasets", "exclude", "textures", "--finding", "blank")
        assert answer.status == 1
        assert "has no finding “blank”" in answer.sentence
        answer = call("datasets", "restore", "textures", "--finding", "blank")
        assert answer.status == 1
        assert answer.sentence == "No image of “textures” is excluded for “blank”. Available: none."

    def test_a_remedy_that_would_leave_no_classes_is_refused(self, call: Call, known: Path) -> None:
        answer = call("datasets", "check", "textures", "--json")
        (found,) = (f for f in answer.json["health"]["findings"] if f["kind"] == "small-class")
        assert (found["remedy"], found["to_exclude"]) == (None, [])
        answer = call("datasets", "exclude", "textures", "--finding", "small-class")
        assert (answer.status, answer.sentence) == (1, found["refusal"])
        assert library.load("textures").excluded == ()

    def test_an_image_that_is_not_there_is_bad_usage(self, call: Call, known: Path) -> None:
        answer = call("datasets", "exclude", "textures", "--image", "none.png", "--json")
        assert answer.status == 2
        assert answer.json == {"error": answer.sentence}
