import csv
from pathlib import Path

import pytest

from medrecog_core.locations import CacheFolder
from medrecog_core.models import load_model, model_names
from medrecog_core.runs import Run
from tests.textures import CLASSES, finished_run, specification

from .conftest import Call

CELL = ["--layer", "block2", "--scale", "224", "--pooling", "average"]


@pytest.fixture
def model(call: Call, finished: Run) -> str:
    answer = call("train", "--run", finished.id, *CELL, "--name", "my-model", "--json")
    assert answer.status == 0
    assert answer.json["name"] == "my-model"
    return "my-model"


class TestTrain:
    def test_it_prints_the_models_card(self, call: Call, finished: Run) -> None:
        answer = call("train", "--run", finished.id, *CELL, "--name", "one", "--json")
        card = answer.json
        assert (card["run"], card["dataset"]) == (finished.id, "textures")
        assert card["cell"] == {"layer": "block2", "scale": 224, "pooling": "average"}
        assert card["classes"] == list(CLASSES)
        assert card["accuracy"] == load_model("one").card.accuracy
        people = call("train", "--run", finished.id, *CELL, "--name", "two")
        assert people.out.startswith("Trained two on 9 images; accuracy on 3 test images ")
        assert model_names() == ["one", "two"]

    @pytest.mark.parametrize(
        ("changes", "status", "word"),
        [
            (["--name", "my-model"], 2, "“my-model” already exists"),
            (["--name", "../x"], 2, "is not a valid name"),
            (["--layer", "block5"], 1, "no finished cell block5-224-average"),
            (["--layer", "block9"], 1, "no finished cell block9-224-average"),
            (["--scale", "wide"], 2, "wide"),
            (["--pooling", "median"], 1, "block2-224-median"),
            (["--run", "nothing"], 1, "There is no run “nothing”"),
        ],
    )
    def test_a_mistake_gives_a_sentence(
        self,
        call: Call,
        finished: Run,
        model: str,
        changes: list[str],
        status: int,
        word: str,
    ) -> None:
        answer = call("train", "--run", finished.id, *CELL, "--name", "other", *changes, "--json")
        assert answer.status == status
        assert word in answer.sentence
        assert answer.json == {"error": answer.sentence}
        assert model_names() == [model]


class TestModels:
    def test_none(self, call: Call) -> None:
        assert call("models", "--json").json == []
        assert call("models").out.startswith("No models yet")

    def test_they_are_listed(self, call: Call, model: str) -> None:
        assert [card["name"] for card in call("models", "--json").json] == [model]
        assert "block2-224-average" in call("models").out

    def test_a_damaged_one_is_listed_with_the_reason_beside_the_others(
        self, call: Call, finished: Run, model: str, cache: CacheFolder
    ) -> None:
        call("train", "--run", finished.id, *CELL, "--name", "bad")
        (cache.models / "bad" / "svm.npz").write_bytes(b"PK\x03\x04")
        answer = call("models", "--json")
        assert answer.status == 0
        whole, damaged = answer.json
        assert whole["name"] == model
        assert damaged["name"] == "bad"
        assert "is damaged" in damaged["error"]
        assert damaged["error"] in call("models").out


class TestPredict:
    def test_json_has_a_label_and_scores_or_an_error_for_every_file(
        self, call: Call, model: str, pictures: Path, tmp_path: Path
    ) -> None:
        good = [pictures / f"{label}/{label}-1.png" for label in CLASSES]
        (tmp_path / "empty.png").touch()
        (tmp_path / "text.jpg").write_text("no picture")
        bad = [tmp_path / name for name in ("empty.png", "text.jpg", "missing.png")]
        answer = call("predict", model, good[0], *bad, *good[1:], "--json")
        assert answer.status == 0
        documents = answer.json
        assert [d["file"] for d in documents] == [str(f) for f in (good[0], *bad, *good[1:])]
        for document in documents:
            if Path(document["file"]) in bad:
                assert document.keys() == {"file", "error"}
                assert document["error"]
            else:
                assert document.keys() >= {"file", "label", "scores", "probabilities", "nearest"}
                assert document["unlike_training"] is False
                assert document["nearest"][0]["label"] == document["label"]
                assert document["label"] == Path(document["file"]).parent.name
                assert tuple(document["scores"]) == CLASSES
                best = max(document["scores"], key=document["scores"].__getitem__)
                assert best == document["label"]

    def test_a_table_is_written_beside(
        self, call: Call, model: str, pictures: Path, tmp_path: Path
    ) -> None:
        files = [pictures / "waves/waves-0.png", tmp_path / "missing.png"]
        answer = call("predict", model, *files, "--csv", tmp_path / "labels.csv", "--json")
        first, second = csv.DictReader((tmp_path / "labels.csv").read_text().splitlines())
        assert (first["file"], first["label"], first["error"]) == (str(files[0]), "waves", "")
        told = answer.json[0]["probabilities"]["waves"]
        assert float(first["probability of waves"]) == told
        assert (second["label"], second["error"]) == ("", "the file does not exist")
        refused = call("predict", model, *files, "--csv", tmp_path / "no/labels.csv", "--json")
        assert refused.status == 1
        assert "Cannot write to" in refused.json["error"]

    def test_people_see_a_line_a_file(
        self, call: Call, model: str, pictures: Path, tmp_path: Path
    ) -> None:
        good = pictures / "waves/waves-0.png"
        answer = call("predict", model, good, tmp_path / "missing.png")
        assert answer.status == 0
        first, second = answer.out.splitlines()
        assert first.startswith(f"{good}: waves (noise ")
        assert second == f"{tmp_path / 'missing.png'}: not classified (the file does not exist)"

    def test_a_known_image_is_recognised(
        self, call: Call, finished: Run, model: str, tmp_path: Path
    ) -> None:
        learnt, tested = finished.trained_images()[0], finished.tested_images()[0]
        files, table = (learnt.path, tested.path), tmp_path / "labels.csv"
        first, second = call("predict", model, *files, "--csv", table, "--json").json
        for document, image, part in ((first, learnt, "training"), (second, tested, "test")):
            assert document["copies"][0] == {
                "part": part,
                "label": image.label,
                "sha256": image.sha256,
                "is_exact": True,
            }
        assert first["nearest"][0]["is_copy"]
        assert not any(near["is_copy"] for near in second["nearest"])
        rows = csv.DictReader(table.read_text().splitlines())
        assert all("This exact image is in the" in row["known image"] for row in rows)
        of_learnt, of_tested = call("predict", model, *files).out.splitlines()
        assert "in the training data" in of_learnt
        assert "in the test data" in of_tested

    def test_no_readable_file_ends_with_1_and_still_one_document(
        self, call: Call, model: str, tmp_path: Path
    ) -> None:
        answer = call("predict", model, tmp_path / "missing.png", "--json")
        assert answer.status == 1
        assert [d.keys() for d in answer.json] == [{"file", "error"}]

    @pytest.mark.parametrize(
        ("arguments", "status", "word"),
        [
            (["nothing", "x.png"], 1, "Unknown model “nothing”. Available: my-model"),
            (["../models/my-model", "x.png"], 2, "is not a valid name"),
            (["my-model"], 2, "FILE"),
        ],
    )
    def test_a_mistake_gives_a_sentence(
        self, call: Call, model: str, arguments: list[str], status: int, word: str
    ) -> None:
        answer = call("predict", *arguments, "--json")
        assert answer.status == status
        assert word in answer.sentence
        assert answer.json == {"error": answer.sentence}

    def test_a_damaged_model_and_other_weights_are_refused(
        self, call: Call, model: str, cache: CacheFolder, pictures: Path
    ) -> None:
        card = cache.models / model / "model.json"
        text = card.read_text()
        card.write_text(text.replace('"weights": "vgg19-imagenet', '"weights": "other'))
        answer = call("predict", model, pictures / "waves/waves-0.png", "--json")
        assert answer.status == 1
        assert "was trained with the weights other" in answer.sentence
        assert answer.json == {"error": answer.sentence}
        card.write_text(text[:50])
        answer = call("predict", model, pictures / "waves/waves-0.png", "--json")
        assert answer.status == 1
        assert "is damaged" in answer.sentence


class TestShow:
    def test_the_card_is_markdown_for_people_and_json_for_programs(
        self, call: Call, model: str
    ) -> None:
        text = call("models", "show", model).out
        assert text.startswith("# my-model")
        assert "For research, not for diagnosis." in text
        assert "| accuracy | " in text
        card = call("models", "show", model, "--json").json
        assert (card["name"], card["n_learnt"]) == (model, 9)
        assert call("models", "show", "nothing").status == 1


class TestExchange:
    def test_a_model_goes_through_a_file(self, call: Call, model: str, tmp_path: Path) -> None:
        file = tmp_path / "one.medrecog-model"
        assert call("export-model", model, "--to", file, "--json").json == {
            "model": model,
            "file": str(file),
        }
        answer = call("import-model", file, "--name", "theirs", "--json").json
        assert (answer["name"], answer["missing_weights"]) == ("theirs", "")
        assert model_names() == ["my-model", "theirs"]
        assert "A model named “my-model” already exists" in call("import-model", file).sentence
        assert call("export-model", "nothing", "--to", file).status == 1

    def test_what_is_no_model_gets_a_sentence(self, call: Call, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("no model")
        answer = call("import-model", tmp_path / "text", "--json")
        assert answer.status == 1
        assert "is not a model file" in answer.json["error"]


def test_a_fusion_is_trained_by_its_name(call: Call, known: Path) -> None:
    run = finished_run(specification(poolings=["average"], fuse=["layers"]))
    sides = ["--layer", "block1+block2", "--scale", "224", "--pooling", "average"]
    answer = call("train", "--run", run.id, *sides, "--name", "both", "--on", "all", "--json")
    assert answer.status == 0
    assert answer.json["cell"]["layers"] == ["block1", "block2"]
    assert (answer.json["trained_on"], answer.json["n_learnt"]) == ("all", 12)
    assert "block1+block2-224-average" in call("models").out


def test_delete_model_deletes_it_once(call: Call, model: str) -> None:
    assert call("delete-model", model, "--json").json == {"model": model, "deleted": True}
    assert model not in call("models").out
    assert call("delete-model", model).status == 1


def test_a_deleted_model_is_listed_and_restored(call: Call, model: str) -> None:
    assert call("models", "--trash").out == "The trash is empty.\n"
    assert call("restore-model", model).status == 1
    assert f"restore-model {model}" in call("delete-model", model).out
    (deleted,) = call("models", "--trash", "--json").json
    assert (deleted["model"], deleted["days_left"]) == (model, 30)
    assert call("restore-model", model, "--json").json == {"model": model, "restored": True}
    assert load_model(model).card.name == model
    call("delete-model", model)
    assert call("models", "--empty-trash", "--json").json == {"removed": 1}
    assert call("restore-model", model).status == 1


def test_a_model_of_neighbours_says_what_it_contains_wherever_it_goes(
    call: Call, known: Path, tmp_path: Path
) -> None:
    grid = ["--layers", "block2", "--poolings", "average"]
    ran = call("run", "--dataset", "textures", *grid, "--classifier", "knn", "--k", "1,2", "--json")
    assert ran.status == 0
    assert (ran.json["specification"]["classifier"], ran.json["specification"]["k"]) == (
        "knn",
        [1, 2],
    )
    run = ran.json["run"]
    assert "k-nearest neighbours, k chosen among 1, 2" in call("show", run).out
    trained = call("train", "--run", run, *CELL, "--name", "mine", "--json")
    assert (trained.json["classifier"], trained.json["k"]) == (
        "knn",
        load_model("mine").card.parameter_value,
    )
    said = "contains the features of all 9 training images"
    assert said in trained.err
    assert said in call("models", "show", "mine").out
    exported = call("export-model", "mine", "--to", str(tmp_path / "file"))
    assert said in exported.out
    assert (
        said in call("export-model", "mine", "--to", str(tmp_path / "f"), "--json").json["contains"]
    )
    assert said in call("import-model", str(tmp_path / "file"), "--name", "theirs").out
    bundled = call("bundle", run, "--to", str(tmp_path / "b.zip"), "--with-models")
    assert said in bundled.err


def test_a_model_of_the_usual_classifier_says_nothing_of_the_kind(
    call: Call, model: str, tmp_path: Path
) -> None:
    exported = call("export-model", model, "--to", str(tmp_path / "file"), "--json")
    assert set(exported.json) == {"model", "file"}
    assert call("models", "show", model, "--json").json["C"] == 1.0
