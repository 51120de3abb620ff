import io
import json
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medrecog_core.classification import DecisionThreshold
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.features import ENCODINGS, Cell
from medrecog_core.locations import CacheFolder
from medrecog_core.models import (
    Model,
    delete_model,
    load_model,
    model_names,
    save_model,
)
from medrecog_core.models.storage import FORMAT, read_arrays, write_arrays
from medrecog_core.networks import find_network
from tests.textures import CLASSES

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
CELL = Cell("block2", 224, "average")


def file_of(cache: CacheFolder, name: str) -> Path:
    return cache.models / "my-model" / name


def test_a_loaded_model_is_the_one_that_was_trained(model: Model) -> None:
    assert model_names() == ["my-model"]
    loaded = load_model("my-model")
    assert loaded.card == model.card
    assert loaded.classifier.classes == model.classifier.classes == CLASSES
    assert np.array_equal(loaded.classifier.weights, model.classifier.weights)
    assert np.array_equal(loaded.classifier.biases, model.classifier.biases)


def test_its_file_holds_two_arrays_and_no_pickle(model: Model, cache: CacheFolder) -> None:
    with np.load(file_of(cache, "svm.npz"), allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype for name in arrays.files} == {
            "weights": np.float64,
            "biases": np.float64,
        }
    with zipfile.ZipFile(file_of(cache, "svm.npz")) as archive:
        assert all(archive.read(name).startswith(b"\x93NUMPY") for name in archive.namelist())


class TestEncodings:
    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_a_loaded_model_has_the_codebook_that_it_was_trained_with(
        self, trained: dict[str, Model], encoding: str
    ) -> None:
        loaded, cell = load_model(encoding), Cell("block2", 224, encoding)
        assert set(trained[encoding].codebooks) == set(loaded.codebooks) == {cell}
        assert loaded.codebooks[cell].encoding == encoding
        kept = loaded.codebooks[cell].to_arrays()
        for name, values in trained[encoding].codebooks[cell].to_arrays().items():
            assert np.array_equal(kept[name], values)
        assert loaded.classifier.weights.shape == (3, loaded.codebooks[cell].length)

    def test_the_codebook_is_a_file_of_its_own_without_pickles(
        self, trained: dict[str, Model], cache: CacheFolder
    ) -> None:
        with np.load(cache.models / "fisher/codebook.npz", allow_pickle=False) as arrays:
            assert set(arrays.files) == {"mean", "components", "words", "weights", "variances"}
            assert {arrays[name].dtype for name in arrays.files} == {np.dtype(np.float64)}

    @pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\x80\x04."])
    def test_a_missing_or_damaged_codebook_gives_a_sentence(
        self, trained: dict[str, Model], cache: CacheFolder, content: bytes | None
    ) -> None:
        file = cache.models / "vlad/codebook.npz"
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        with pytest.raises(StorageError, match="The model “vlad” is damaged"):
            load_model("vlad")

    def test_a_codebook_of_another_encoding_gives_a_sentence(
        self, trained: dict[str, Model], cache: CacheFolder
    ) -> None:
        card = cache.models / "bow/model.json"
        card.write_text(card.read_text().replace('"pooling": "bow"', '"pooling": "fisher"'))
        with pytest.raises(StorageError, match="is damaged"):
            load_model("bow")


class TestHashes:
    def test_the_file_of_another_model_is_damage(self, model: Model, cache: CacheFolder) -> None:
        other = replace(model.classifier, biases=model.classifier.biases + 1)
        card = replace(model.card, name="other")
        save_model(replace(model, card=card, classifier=other))
        shutil.copy(cache.models / "other/svm.npz", file_of(cache, "svm.npz"))
        with pytest.raises(StorageError, match="is damaged"):
            load_model("my-model")

    def test_a_model_without_hashes_is_read(self, model: Model, cache: CacheFolder) -> None:
        forget_hashes(cache)
        assert load_model("my-model").card == model.card


def forget_hashes(cache: CacheFolder) -> None:
    """Write the card as an earlier version did."""
    card = json.loads(file_of(cache, "model.json").read_text())
    del card["files"]
    file_of(cache, "model.json").write_text(json.dumps({**card, "format": 2}))


def test_two_writers_of_one_name_keep_one_whole_model(model: Model, cache: CacheFolder) -> None:
    for attempt in range(4):
        card = replace(model.card, name=f"new-{attempt}")
        biases = [model.classifier.biases + n for n in (1, 2)]
        models = [
            replace(model, card=card, classifier=replace(model.classifier, biases=each))
            for each in biases
        ]
        with ThreadPoolExecutor(2) as writers:
            done = [writers.submit(save_model, each) for each in models]
        errors = [each.exception() for each in done]
        assert sorted(type(error) for error in errors if error) == [UsageError]
        kept = load_model(card.name).classifier.biases
        assert np.array_equal(kept, biases[errors.index(None)])
    assert {file.name for file in cache.models.iterdir()} >= {"my-model", "new-0"}
    assert not any((cache.models / ".saving").glob("*/*"))


class TestLoading:
    @pytest.fixture(autouse=True)
    def without_hashes(self, model: Model, cache: CacheFolder) -> None:
        """Let the arrays be checked by themselves, as those of earlier versions are."""
        forget_hashes(cache)

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04.", b"not arrays"])
    def test_damaged_arrays_give_a_sentence(
        self, model: Model, cache: CacheFolder, content: bytes
    ) -> None:
        file_of(cache, "svm.npz").write_bytes(content)
        self.is_damaged()

    def test_arrays_that_end_early_give_a_sentence(self, model: Model, cache: CacheFolder) -> None:
        file = file_of(cache, "svm.npz")
        file.write_bytes(file.read_bytes()[:-40])
        self.is_damaged()

    def test_arrays_with_a_changed_byte_give_a_sentence(
        self, model: Model, cache: CacheFolder
    ) -> None:
        file = file_of(cache, "svm.npz")
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 0xFF
        file.write_bytes(content)
        self.is_damaged()

    @pytest.mark.parametrize(
        "arrays",
        [
            {"weights": np.zeros((3, 128))},
            {"weights": np.zeros((3, 64)), "biases": np.zeros(3)},
            {"weights": np.zeros((2, 128)), "biases": np.zeros(2)},
            {"weights": np.zeros((3, 128)), "biases": np.zeros((3, 1))},
            {"weights": np.full((3, 128), "x"), "biases": np.zeros(3)},
            {"weights": np.full((3, 128), np.nan), "biases": np.zeros(3)},
        ],
    )
    def test_arrays_of_another_shape_or_kind_give_a_sentence(
        self, model: Model, cache: CacheFolder, arrays: dict[str, Any]
    ) -> None:
        np.savez(file_of(cache, "svm.npz"), **arrays)
        self.is_damaged()

    def test_a_pickle_is_not_loaded(self, model: Model, cache: CacheFolder) -> None:
        np.savez(
            file_of(cache, "svm.npz"),
            weights=np.array([{"a": 1}], dtype=object),
            biases=np.zeros(3),
        )
        self.is_damaged()

    def test_missing_arrays_give_a_sentence(self, model: Model, cache: CacheFolder) -> None:
        file_of(cache, "svm.npz").unlink()
        self.is_damaged()

    @pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}", '"card"'])
    def test_a_damaged_card_gives_a_sentence(
        self, model: Model, cache: CacheFolder, content: str
    ) -> None:
        file_of(cache, "model.json").write_text(content)
        self.is_damaged()

    @pytest.mark.parametrize(
        "changes",
        [
            {"network": "alexnet"},
            {"cell": {"layer": "block9", "scale": 224, "pooling": "max"}},
            {"cell": {"layer": "block2"}},
            {"cell": {"layer": "block2", "scale": 1, "pooling": "max"}},
            {"cell": {"layer": "block2", "scale": 224, "pooling": "median"}},
            {"source": {}},
            {"classes": None},
            {"classes": ["a"]},
            {"positive": "none of them"},
            {"format": "2"},
            {"colour": "red"},
        ],
    )
    def test_a_card_that_cannot_be_gives_a_sentence(
        self, model: Model, cache: CacheFolder, changes: dict[str, Any]
    ) -> None:
        file = file_of(cache, "model.json")
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
        self.is_damaged()

    def test_an_unknown_model_gives_a_sentence_with_those_there_are(self, model: Model) -> None:
        with pytest.raises(MedrecogError, match="Unknown model “other”"):
            load_model("other")

    def test_a_path_is_no_name(self, model: Model) -> None:
        with pytest.raises(UsageError, match="is not a valid name"):
            load_model("../models/my-model")

    def is_damaged(self) -> None:
        expected = r"The model “my-model” is damaged\. .*train the model again\."
        with pytest.raises(StorageError, match=expected):
            load_model("my-model")
        assert model_names() == ["my-model"]


class TestDeleting:
    def test_a_deleted_model_is_gone(self, model: Model, cache: CacheFolder) -> None:
        delete_model("my-model")
        assert model_names() == []
        assert not (cache.models / "my-model").exists()

    @pytest.mark.parametrize("name", ["other", "../models/my-model", ""])
    def test_what_is_no_model_is_not_deleted(self, model: Model, name: str) -> None:
        with pytest.raises(MedrecogError, match="Unknown model"):
            delete_model(name)
        assert model_names() == ["my-model"]


def test_a_loaded_model_keeps_probabilities_and_training_images(
    model: Model, finished_cache: tuple[Path, str]
) -> None:
    assert model.calibration is not None and model.training_images is not None
    assert len(model.training_images.images) == model.card.n_indexed == 9
    assert {image.label for image in model.training_images.images} == set(CLASSES)
    rows = model.training_images.detector.descriptors
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("name", ["calibration.npz", "training-images.npz", "training-images.json"])
@pytest.mark.parametrize("content", [None, b"", b"[]"])
def test_what_belongs_to_a_model_and_is_missing_or_damaged_gives_a_sentence(
    model: Model, cache: CacheFolder, name: str, content: bytes | None
) -> None:
    file = file_of(cache, name)
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(StorageError, match="is damaged"):
        load_model("my-model")


def test_a_model_of_the_first_format_is_read(model: Model, cache: CacheFolder) -> None:
    file = file_of(cache, "model.json")
    new = json.loads(file.read_text())
    names = (
        *("name", "run", "dataset", "synthetic", "network", "cell", "source", "weights_title"),
        *("C", "normalisation", "seed", "classes", "accuracy", "accuracy_interval"),
        *("balanced_accuracy", "n_train", "n_test", "created", "sample"),
    )
    file.write_text(json.dumps({name: new[name] for name in names}))
    for name in ("calibration.npz", "training-images.npz", "training-images.json"):
        file_of(cache, name).unlink()
    old = load_model("my-model")
    assert np.array_equal(old.classifier.weights, model.classifier.weights)
    assert (old.calibration, old.training_images, old.card.estimates) == (None, None, ())


def test_a_model_of_a_newer_format_says_to_update(model: Model, cache: CacheFolder) -> None:
    file = file_of(cache, "model.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": FORMAT + 1}))
    expected = rf"by a newer version of medrecog \(format {FORMAT + 1}; .*\. Update medrecog\."
    with pytest.raises(MedrecogError, match=expected):
        load_model("my-model")


def test_a_threshold_of_other_classes_gives_a_sentence(model: Model, cache: CacheFolder) -> None:
    threshold = asdict(DecisionThreshold("yes", "no", 0.5, "sensitivity", 1.0, 0.0, 9))
    file = file_of(cache, "model.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "threshold": threshold}))
    with pytest.raises(StorageError, match="is damaged"):
        load_model("my-model")


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
