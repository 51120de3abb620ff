import csv
import shlex
import shutil
from pathlib import Path

import pytest
from PIL import Image

from medrecog_core.datasets import CATALOGUE, Protocol, library, split_images
from medrecog_core.datasets.catalogue import find
from medrecog_core.images import PLAIN
from medrecog_core.locations import CacheFolder
from tests.archives import PNG, pack
from tests.file_server import serving
from tests.textures import CLASSES, N_IMAGES, PER_CLASS, write_textures

from .conftest import Call


@pytest.fixture(autouse=True)
def drawn_demo(cache: CacheFolder) -> None:
    """Let the demo pass for drawn; drawing it takes long and is tested elsewhere."""
    (cache.datasets / "demo" / "images").mkdir(parents=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_textures(tmp_path / "images")


@pytest.fixture
def table(folder: Path, tmp_path: Path) -> Path:
    """Write a table with a row an image, its columns named as nobody would guess."""
    file = tmp_path / "labels.csv"
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["what", "is", "who", "part"])
        for image in sorted(folder.glob("*/*.png")):
            part = "test" if image.stem.endswith("3") else "train"
            writer.writerow([image.stem, image.parent.name, f"p-{image.stem[-1]}", part])
    return file


class TestDownload:
    def test_a_published_set_is_downloaded_and_compared_with_what_was_published(
        self, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        labels = find("kvasir-v1").classes
        archive = pack(tmp_path / "a.zip", [(f"kvasir-dataset/{n}/1.jpg", PNG) for n in labels])
        with serving(archive.read_bytes()) as server:
            monkeypatch.setenv("MEDRECOG_DATASETS_MIRROR", server.address)
            answer = call("datasets", "download", "kvasir-v1", "--json")
        assert server.paths == ["/kvasir-v1/kvasir-dataset.zip"]
        assert answer.status == 0
        assert (
            answer.json["layout"] == "Kvasir, a folder a class; the files do not identify patients"
        )
        assert answer.json["differs_from_published"][0] == (
            "dyed-lifted-polyps, in all: 1 images, 500 were published"
        )

    def test_what_is_not_in_the_catalogue_is_bad_usage(self, call: Call) -> None:
        answer = call("datasets", "download", "isic", "--json")
        assert answer.status == 2
        assert "Unknown data set “isic” in the catalogue. Available: mit67, " in answer.sentence


class TestAdd:
    def test_a_folder_becomes_a_data_set(self, call: Call, folder: Path) -> None:
        (folder / "noise" / "notes.txt").write_text("a note")
        answer = call("datasets", "add", "textures", folder, "--json")
        assert answer.status == 0
        assert answer.json == {
            "name": "textures",
            "root": str(folder),
            "layout": "a folder a class",
            "synthetic": False,
            "n_images": N_IMAGES,
            "classes": dict.fromkeys(CLASSES, PER_CLASS),
            "splits": [],
            "n_groups": 0,
            "n_excluded": 0,
            "n_unlabelled": 0,
            "rendering": PLAIN.to_document(),
            "metadata": [],
            "warnings": [],
            "left_out": [{"path": "noise/notes.txt", "reason": "not an image, by its name"}],
        }
        assert library.names() == ["demo", "textures"]

    def test_people_see_a_row_a_class(self, call: Call, folder: Path) -> None:
        (folder / "noise" / "notes.txt").write_text("a note")
        out = call("datasets", "add", "textures", folder).out
        assert out.startswith("textures: 12 images, 3 classes (a folder a class)\n")
        assert ["stripes", "4"] in [line.split() for line in out.splitlines()]
        assert "1 x not an image, by its name, for example noise/notes.txt" in out

    def test_an_archive_is_unpacked_with_progress_on_standard_error(
        self, call: Call, folder: Path, tmp_path: Path, cache: CacheFolder
    ) -> None:
        archive = shutil.make_archive(str(tmp_path / "textures"), "gztar", folder)
        answer = call("datasets", "add", "textures", archive, "--json")
        assert answer.status == 0
        assert answer.json["root"] == str(cache.datasets / "textures" / "images")
        assert answer.json["classes"] == dict.fromkeys(CLASSES, PER_CLASS)

    def test_an_archive_that_is_refused_gets_one_sentence(self, call: Call, tmp_path: Path) -> None:
        archive = pack(tmp_path / "a.zip", [("../1.png", b"")])
        answer = call("datasets", "add", "textures", archive, "--json")
        assert answer.status == 1
        assert "which is outside the folder" in answer.sentence
        assert library.names() == ["demo"]

    def test_groups_and_val_are_as_asked_for(self, call: Call, tmp_path: Path) -> None:
        members = [
            (f"{part}/{label}/{name}", PNG)
            for part in ("train", "test", "val")
            for label, name in (("NORMAL", "IM-1-1.png"), ("PNEUMONIA", "person1_virus_1.png"))
        ]
        archive = pack(tmp_path / "a.zip", members)
        assert call("datasets", "add", "a", archive, "--json").json["n_groups"] == 2
        answer = call("datasets", "add", "b", archive, "--no-groups", "--keep-val", "--json")
        assert answer.json["n_groups"] == 0
        assert answer.json["splits"] == ["train", "test"]

    def test_labels_from_a_dicom_tag_that_there_is_not_are_bad_usage(
        self, call: Call, folder: Path
    ) -> None:
        answer = call("datasets", "add", "scans", folder, "--label-tag", "Nonsense")
        assert answer.status == 2
        assert "Unknown DICOM tag “Nonsense”" in answer.sentence

    def test_a_table_gives_labels_groups_and_parts(
        self, call: Call, folder: Path, table: Path
    ) -> None:
        columns = ["--image-column", "what", "--label-column", "is"]
        columns += ["--group-column", "who", "--split-column", "part"]
        answer = call("datasets", "add", "tabled", folder, "--labels", table, *columns, "--json")
        assert answer.status == 0
        assert answer.json["classes"] == dict.fromkeys(CLASSES, PER_CLASS)
        assert (answer.json["splits"], answer.json["n_groups"]) == (["train", "test"], 4)

    def test_a_column_that_is_not_there_is_bad_usage(
        self, call: Call, folder: Path, table: Path
    ) -> None:
        columns = ["--image-column", "what", "--label-column", "nonsense"]
        answer = call("datasets", "add", "tabled", folder, "--labels", table, *columns, "--json")
        assert answer.status == 2
        assert "no column “nonsense”. Available: “what”, “is”, “who”, “part”." in answer.sentence
        assert answer.json == {"error": answer.sentence}
        assert library.names() == ["demo"]

    def test_a_column_that_cannot_be_guessed_must_be_named(
        self, call: Call, folder: Path, table: Path
    ) -> None:
        answer = call("datasets", "add", "tabled", folder, "--labels", table)
        assert answer.status == 2
        assert "--label-column" in answer.sentence

    def test_a_taken_name_is_bad_usage(self, call: Call, folder: Path) -> None:
        call("datasets", "add", "textures", folder)
        answer = call("datasets", "add", "textures", folder, "--json")
        assert answer.status == 2
        assert "A data set named “textures” already exists" in answer.sentence

    @pytest.mark.parametrize("name", ["Textures", "../x", "a b"])
    def test_a_name_that_cannot_be_is_bad_usage(self, call: Call, folder: Path, name: str) -> None:
        answer = call("datasets", "add", name, folder)
        assert answer.status == 2
        assert "is not a valid name" in answer.sentence

    def test_a_missing_folder_and_a_missing_table_cannot_be_added(
        self, call: Call, folder: Path, tmp_path: Path
    ) -> None:
        answer = call("datasets", "add", "textures", tmp_path / "none")
        assert answer.status == 1
        assert "not found" in answer.sentence
        answer = call("datasets", "add", "textures", folder, "--labels", tmp_path / "none.csv")
        assert answer.status == 1
        assert "none.csv" in answer.sentence

    def test_a_folder_without_classes_cannot_be_added(self, call: Call, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        answer = call("datasets", "add", "textures", tmp_path / "empty", "--json")
        assert answer.status == 1
        assert answer.json == {"error": answer.sentence}

    def test_a_folder_whose_name_is_no_text_is_printed_as_json(
        self, call: Call, tmp_path: Path
    ) -> None:
        try:
            folder = write_textures(tmp_path / "caf\udce9")
        except (OSError, UnicodeEncodeError):
            pytest.skip("the file system has no such names")
        answer = call("datasets", "add", "textures", folder, "--json")
        assert answer.status == 0
        assert answer.json["root"] == str(folder)


class TestList:
    def test_it_lists_the_demo_and_what_was_added(self, call: Call, folder: Path) -> None:
        call("datasets", "add", "textures", folder)
        answer = call("datasets", "list", "--json")
        assert [d["name"] for d in answer.json] == ["demo", "textures"]
        assert answer.json[0]["synthetic"] is True
        assert answer.json[1]["n_images"] == N_IMAGES
        out = call("datasets", "list").out
        assert ["textures", "12", "3", "none", "0"] in [x.split()[:5] for x in out.splitlines()]

    def test_a_damaged_data_set_is_listed_with_the_reason_beside_the_others(
        self, call: Call, folder: Path, cache: CacheFolder
    ) -> None:
        for name in ("one", "two"):
            call("datasets", "add", name, folder)
        (cache.datasets / "one" / "dataset.json").write_text("{")
        answer = call("datasets", "list", "--json")
        assert answer.status == 0
        assert [d["name"] for d in answer.json if "error" not in d] == ["demo", "two"]
        (damaged,) = (d for d in answer.json if "error" in d)
        assert damaged["name"] == "one"
        assert "damaged" in damaged["error"]
        people = call("datasets", "list")
        assert people.status == 0
        assert damaged["error"] in people.out


class TestDelete:
    def test_the_images_stay_where_they_are(self, call: Call, folder: Path) -> None:
        call("datasets", "add", "textures", folder)
        answer = call("datasets", "delete", "textures", "--json")
        assert answer.json["deleted"]
        assert library.names() == ["demo"]
        assert len(list(folder.glob("*/*.png"))) == N_IMAGES

    def test_the_demo_stays(self, call: Call) -> None:
        answer = call("datasets", "delete", "demo")
        assert answer.status == 2
        assert "cannot be deleted" in answer.sentence


class TestExtract:
    def test_a_run_after_it_needs_no_network(self, call: Call, known: Path) -> None:
        grid = ["--layers", "block1", "--scales", "224", "--poolings", "max,average"]
        answer = call("extract", "textures", *grid, "--json")
        assert answer.status == 0
        document = answer.json
        assert (document["dataset"], document["n_images"]) == ("textures", N_IMAGES)
        assert (document["skipped"], document["network_images"]) == ([], {"224": N_IMAGES})
        assert document["seconds"]["224"] > 0
        run = call("run", "--dataset", "textures", *grid, "--json")
        assert run.json["network_images"] == {"224": 0}
        assert len(run.json["cells"]) == 2

    def test_people_see_what_went_through_the_network_and_what_was_skipped(
        self, call: Call, folder: Path
    ) -> None:
        (folder / "waves/empty.png").touch()
        call("datasets", "add", "textures", folder)
        answer = call("extract", "textures", "--layers", "block1")
        engine, extracted, *_ = answer.out.splitlines()
        assert engine.startswith("Computed by ")
        assert extracted.startswith("12 images computed at input size 224, ")
        assert f"skipped {folder / 'waves/empty.png'}: the file is empty" in answer.out
        assert ": 12/12 images" in answer.err
        again = call("extract", "textures", "--layers", "block1")
        assert again.status == 0
        assert again.out.startswith("0 images computed at input size 224, ")

    @pytest.mark.parametrize(
        ("options", "word"),
        [
            (["--layers", "block9"], "block9"),
            (["--layers", ""], "layers"),
            (["--layers", ","], "layers"),
            (["--scales", "10"], "10"),
            (["--scales", ""], "scales"),
            (["--scales", "abc"], "abc"),
            (["--poolings", "median"], "median"),
            (["--precision", "float16"], "float16"),
        ],
    )
    def test_a_wrong_grid_is_bad_usage(
        self, call: Call, known: Path, options: list[str], word: str
    ) -> None:
        answer = call("extract", "textures", *options, "--json")
        assert answer.status == 2
        assert word in answer.sentence
        assert answer.json == {"error": answer.sentence}

    def test_layers_of_the_head_cannot_be_read(self, call: Call, known: Path) -> None:
        answer = call("extract", "textures", "--layers", "block5,fc1", "--json")
        assert answer.status == 1
        assert "fc1 needs Keras's official VGG-19 file" in answer.sentence


class TestUnknown:
    @pytest.mark.parametrize("command", [["datasets", "delete"], ["extract"]])
    def test_an_unknown_data_set(self, call: Call, known: Path, command: list[str]) -> None:
        answer = call(*command, "nothing", "--json")
        assert answer.status == 1
        assert answer.sentence == "Unknown data set “nothing”. Available: demo, textures."
        assert answer.json == {"error": answer.sentence}


class TestPropose:
    def test_it_shows_what_would_be_added_and_the_command(self, call: Call, folder: Path) -> None:
        answer = call("datasets", "propose", folder, "--json")
        assert answer.status == 0
        assert answer.json["n_images"] == N_IMAGES
        assert answer.json["counts"] == {label: {"": PER_CLASS} for label in CLASSES}
        assert answer.json["reasons"]
        assert answer.json["alternatives"] == []
        assert library.names() == ["demo"]
        command = shlex.split(answer.json["command"])
        assert command[:3] == ["python", "-m", "medrecog_core"]
        added = call(*command[3:], "--json")
        assert added.json["classes"] == answer.json["classes"]

    def test_people_see_reasons_and_the_command(self, call: Call, folder: Path) -> None:
        out = call("datasets", "propose", folder).out
        assert "Reasons:" in out
        assert f"python -m medrecog_core datasets add images {folder}" in out

    def test_an_archive_is_shown_and_nothing_stays(
        self, call: Call, folder: Path, tmp_path: Path, cache: CacheFolder
    ) -> None:
        archive = shutil.make_archive(str(tmp_path / "textures"), "zip", folder)
        answer = call("datasets", "propose", archive, "--json")
        assert answer.json["n_images"] == N_IMAGES
        assert answer.json["name"] == "textures"
        assert not list(cache.datasets.glob(".preview-*"))

    def test_where_two_readings_are_as_likely_each_has_its_command(
        self, call: Call, tmp_path: Path
    ) -> None:
        root = tmp_path / "two ways"
        numbers = iter(range(100))
        for outer in ("oak", "elm"):
            for inner in ("leaf", "bark"):
                for _ in range(3):
                    path = root / outer / inner / f"{next(numbers)}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    Image.new("RGB", (8, 8), (next(numbers), 9, 9)).save(path)
        for command in (["add", "both", root], ["propose", root]):
            answer = call("datasets", *command, "--json")
            assert answer.status == 1
            assert set(answer.json) == {"error", "alternatives"}
            assert answer.err.startswith("medrecog: " + answer.json["error"])
            for each in answer.json["alternatives"]:
                assert each["command"] in answer.err
        assert library.names() == ["demo"]
        commands = [shlex.split(each["command"]) for each in answer.json["alternatives"]]
        assert len({tuple(command) for command in commands}) == 2
        for number, command in enumerate(commands):
            assert command[5:7] == ["two-ways", str(root)]
            command[5] = f"way-{number}"
            assert call(*command[3:]).status == 0
        assert library.load("way-0").classes != library.load("way-1").classes


class TestWarnings:
    @pytest.fixture
    def spelled(self, tmp_path: Path) -> Path:
        for i, label in enumerate(("Nevus", "nevus", "Nevus", "nevus", "df", "df")):
            path = tmp_path / "spelled" / label / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (20 * i, 9, 9)).save(path)
        return tmp_path / "spelled"

    def test_what_was_decided_is_said(self, call: Call, spelled: Path) -> None:
        answer = call("datasets", "add", "spelled", spelled, "--json")
        (warning,) = answer.json["warnings"]
        assert set(warning) == {"id", "message", "paths"}
        assert warning["id"] == "similar-class-names"
        assert "--merge-spellings" in warning["message"]
        assert len(warning["paths"]) == 2
        assert call("datasets", "list", "--json").json[1]["warnings"] == [warning]

    def test_people_see_it_too(self, call: Call, spelled: Path) -> None:
        out = call("datasets", "add", "spelled", spelled).out
        assert "Warning [similar-class-names]: " in out

    def test_the_named_option_decides_otherwise(self, call: Call, spelled: Path) -> None:
        answer = call("datasets", "add", "spelled", spelled, "--merge-spellings", "--json")
        assert answer.json["warnings"] == []
        assert len(answer.json["classes"]) == 2


class TestClasses:
    def test_classes_are_excluded_merged_and_restored(self, call: Call, folder: Path) -> None:
        first, second, third = CLASSES
        call("datasets", "add", "textures", folder)
        answer = call("datasets", "classes", "textures", "--exclude-class", first, "--json")
        assert answer.json["classes"] == {second: PER_CLASS, third: PER_CLASS}
        assert answer.json["n_excluded"] == PER_CLASS
        call("datasets", "classes", "textures", "--restore")
        merge = f"{first}={second}"
        answer = call("datasets", "classes", "textures", "--merge-class", merge, "--json")
        assert answer.json["classes"] == {second: 2 * PER_CLASS, third: PER_CLASS}
        answer = call("datasets", "classes", "textures", "--restore", "--json")
        assert answer.json["classes"] == dict.fromkeys(CLASSES, PER_CLASS)
        answer = call("datasets", "classes", "textures", "--only-class", first, "--json")
        assert answer.status == 1
        only = ["--only-class", first, "--only-class", second]
        answer = call("datasets", "classes", "textures", *only, "--json")
        assert list(answer.json["classes"]) == sorted((first, second))

    @pytest.mark.parametrize(
        "options",
        [
            ["--merge-class", "a"],
            ["--exclude-class", "nothing"],
            ["--restore", "--only-class", "a"],
        ],
    )
    def test_what_cannot_be_chosen_is_bad_usage(
        self, call: Call, folder: Path, options: list[str]
    ) -> None:
        call("datasets", "add", "textures", folder)
        assert call("datasets", "classes", "textures", *options, "--json").status == 2


class TestMove:
    def test_images_are_found_in_their_new_folder(
        self, call: Call, folder: Path, tmp_path: Path
    ) -> None:
        call("datasets", "add", "textures", folder)
        folder.rename(tmp_path / "elsewhere")
        answer = call("datasets", "move", "textures", tmp_path / "elsewhere", "--json")
        assert answer.json["root"] == str(tmp_path / "elsewhere")
        assert answer.json["changed"] == []
        assert call("datasets", "check", "textures", "--json").json["unreadable"] == []

    def test_a_folder_that_is_not_there_gets_one_sentence(
        self, call: Call, folder: Path, tmp_path: Path
    ) -> None:
        call("datasets", "add", "textures", folder)
        answer = call("datasets", "move", "textures", tmp_path / "nowhere", "--json")
        assert answer.status == 1
        assert answer.json == {"error": answer.sentence}


class TestWrongInput:
    @pytest.mark.parametrize("command", [["add", "set"], ["propose"]])
    @pytest.mark.parametrize("source", ["missing", "empty", "text.txt", "text.zip"])
    def test_it_gets_one_sentence(
        self, call: Call, tmp_path: Path, command: list[str], source: str
    ) -> None:
        (tmp_path / "empty").mkdir()
        for name in ("text.txt", "text.zip"):
            (tmp_path / name).write_text("no archive")
        answer = call("datasets", *command, tmp_path / source, "--json")
        assert answer.status in (1, 2)
        assert answer.json == {"error": answer.sentence}
        assert source in answer.sentence
        assert library.names() == ["demo"]


def test_the_catalogue_is_listed(call: Call) -> None:
    answer = call("datasets", "catalogue", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert [entry["name"] for entry in answer.json] == list(CATALOGUE)
    ham10000 = answer.json[-1]
    assert ham10000["n_images"] == sum(ham10000["classes"].values()) == 10_015
    assert ham10000["files"][0]["md5"] == "4639bfa73ab251610530a97c898e6e46"
    assert (ham10000["added"], ham10000["downloaded_bytes"]) == (False, 0)


@pytest.mark.parametrize("name", CATALOGUE)
def test_people_see_whom_to_cite_and_under_which_licence(call: Call, name: str) -> None:
    entry = CATALOGUE[name]
    out = call("datasets", "catalogue", name).out
    for text in (entry.title, entry.citation, entry.licence, entry.split_rule, entry.by_hand):
        assert text in out
    assert name in call("datasets", "catalogue").out


def test_images_by_split_stand_beside_each_other(call: Call) -> None:
    classes = call("datasets", "catalogue", "chest-xray", "--json").json["classes"]
    assert classes["NORMAL"] == {"train": 1349, "test": 234}
    rows = [line.split() for line in call("datasets", "catalogue", "chest-xray").out.splitlines()]
    assert ["NORMAL", "1349", "234"] in rows


def test_an_unknown_entry_is_bad_usage(call: Call) -> None:
    answer = call("datasets", "catalogue", "isic", "--json")
    assert answer.status == 2
    assert answer.json == {"error": answer.sentence}


def test_folds_are_those_of_a_run_and_are_told(call: Call, known: Path) -> None:
    answer = call("datasets", "split", "textures", "--protocol", "k-fold", "--folds", "2", "--json")
    assert answer.status == 0
    assert answer.json["folds"] == [{"n_train": 6, "n_test": 6}] * 2
    assert answer.json["kind"] == "stratified 2-fold cross-validation, seed 0"
    assert (
        "fold 2: 6 training and 6 test images"
        in call("datasets", "split", "textures", "--protocol", "k-fold", "--folds", "2").out
    )


def test_a_written_hold_out_is_a_given_split_of_the_same_images(
    call: Call, known: Path, tmp_path: Path
) -> None:
    file = tmp_path / "split.csv"
    assert call("datasets", "split", "textures", "--seed", "3", "--to", file).status == 0
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    images = library.load("textures").images
    fold = split_images(images, Protocol(seed=3)).folds[0]
    assert [row["path"] for row in rows if row["split"] == "test"] == [
        images[i].path for i in fold.test
    ]
    assert {row["label"] for row in rows} == set(CLASSES)


@pytest.mark.parametrize(
    ("options", "status", "word"),
    [
        (["--protocol", "bootstrap"], 2, "Unknown protocol “bootstrap”"),
        (["--protocol", "leave-one-group-out"], 1, "has no groups"),
        (["--to", "/nowhere/split.csv"], 1, "Cannot write to /nowhere/split.csv"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    call: Call, known: Path, options: list[str], status: int, word: str
) -> None:
    answer = call("datasets", "split", "textures", *options)
    assert answer.status == status
    assert word in answer.sentence
