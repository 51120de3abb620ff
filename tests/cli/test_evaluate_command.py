from pathlib import Path

import pytest

from medrecog_core.models import Model, read_outside_tests
from tests.textures import CLASSES, add_textures, write_textures

from .conftest import Call

pytestmark = pytest.mark.slow

N = 2


@pytest.fixture
def others(tmp_path: Path, model: Model) -> str:
    folder = write_textures(tmp_path / "others", n=N)
    (folder / "waves").rename(folder / "ripples")
    add_textures(folder, "others")
    return "others"


def test_it_prints_every_measure_beside_the_own_test_and_keeps_it(
    call: Call, model: Model, others: str
) -> None:
    answer = call("evaluate", "my-model", "--dataset", others, "--match", "ripples=waves", "--json")
    assert answer.status == 0, answer.err
    (test,) = read_outside_tests("my-model")
    document = answer.json
    assert document["n_images"] == test.n_images == N * len(CLASSES)
    assert document["matches"]["ripples"] == "waves"
    accuracy = document["measures"]["accuracy"]
    assert accuracy["value"] == test.of("accuracy").value
    assert accuracy["own"]["value"] == model.card.accuracy
    assert accuracy["difference"]["value"] == pytest.approx(accuracy["value"] - model.card.accuracy)
    assert document["n_copies_of_training_images"] == test.n_training_copies
    shown = call("models", "show", "my-model", "--json").json
    assert shown["outside_tests"] == [document]
    assert "## Results on other data sets" in call("models", "show", "my-model").out
    assert call("models", "delete-test", "my-model", others, "--json").json["deleted"]
    assert read_outside_tests("my-model") == ()


@pytest.mark.parametrize(
    ("options", "status", "word"),
    [
        ([], 2, "ripples"),
        (["--match", "ripples=rings"], 2, "rings"),
        (["--match", "ripples"], 2, "THEIRS=OURS"),
        (["--dataset", "nothing"], 1, "nothing"),
    ],
)
def test_a_mistake_gives_a_sentence(
    call: Call, model: Model, others: str, options: list[str], status: int, word: str
) -> None:
    answer = call("evaluate", "my-model", "--dataset", others, *options, "--json")
    assert answer.status == status
    assert word in answer.sentence
    assert read_outside_tests("my-model") == ()


def test_left_out_images_are_counted(call: Call, model: Model, others: str) -> None:
    answer = call("evaluate", "my-model", "--dataset", others, "--leave-out-unmatched")
    assert answer.status == 0
    assert f"{N} images of 1 class that the model does not have were left out" in answer.out


def test_images_of_one_patient_get_one_answer(call: Call, model: Model, pictures: Path) -> None:
    files = sorted((pictures / "waves").glob("*.png"))[:2]
    answer = call("predict", "my-model", *files, "--as-one-patient", "mean", "--json")
    document = answer.json
    assert [image["file"] for image in document["images"]] == [str(file) for file in files]
    label = "waves"
    mean = sum(image["scores"][label] for image in document["images"]) / 2
    assert document["patient"]["scores"][label] == pytest.approx(mean)
    assert document["patient"]["n_images"] == 2
    assert "Patient: " in call("predict", "my-model", *files, "--as-one-patient", "max").out
