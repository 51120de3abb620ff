import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.locations import CacheFolder
from medrecog_core.models import (
    Model,
    Predictor,
    delete_model,
    export_model,
    exported_model,
    import_content,
    import_model,
    load_model,
    missing_weights,
    model_names,
)
from tests.textures import cache_at


def repacked(content: bytes, change: Callable[[dict[str, bytes]], None], **options: int) -> bytes:
    """Write the files of an exported model again after a change."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, each in files.items():
            archive.writestr(name, each)
    return buffer.getvalue()


def test_a_model_comes_back_whole_on_another_machine(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "one.medrecog-model"
    export_model("my-model", file, with_paths=True)
    with cache_at(tmp_path / "elsewhere"):
        card = import_model(file)
        assert card == model.card
        assert missing_weights(card) == ""
        found = load_model("my-model")
    assert np.array_equal(found.classifier.weights, model.classifier.weights)
    assert found.training_images is not None and model.training_images is not None
    assert found.training_images.images == model.training_images.images


def test_the_same_model_makes_the_same_file(model: Model) -> None:
    assert exported_model("my-model") == exported_model("my-model")


def test_paths_stay_at_home_unless_asked_for(model: Model, pictures: Path) -> None:
    folder = str(pictures).encode()
    assert folder not in exported_model("my-model")
    assert folder in exported_model("my-model", with_paths=True)
    import_content(exported_model("my-model"), "one", "two")
    found = load_model("two").training_images
    assert found is not None
    assert {image.path for image in found.images} == {""}
    assert all(image.sha256 and image.label for image in found.images)


def test_it_can_be_called_otherwise_and_not_like_another(model: Model) -> None:
    content = exported_model("my-model")
    with pytest.raises(UsageError, match="A model named “my-model” already exists"):
        import_content(content, "one")
    with pytest.raises(UsageError, match="is not a valid name"):
        import_content(content, "one", "../two")
    assert import_content(content, "one", "two").name == "two"
    assert load_model("two").card.name == "two"
    assert model_names() == ["my-model", "two"]


@pytest.mark.parametrize("name", ["svm.npz", "model.json", "training-images.json"])
def test_a_changed_file_is_refused(model: Model, name: str) -> None:
    def change(files: dict[str, bytes]) -> None:
        content = bytearray(files[name])
        content[len(content) // 2] ^= 1
        files[name] = bytes(content)

    changed = repacked(exported_model("my-model"), change)
    refused(changed, f"one was changed after its export \\(“{name}” was changed")


def test_a_missing_and_an_added_file_are_refused(model: Model) -> None:
    content = exported_model("my-model")
    refused(repacked(content, lambda files: files.pop("svm.npz")), "“svm.npz” was changed")
    refused(repacked(content, lambda files: files.update(a=b"")), "“a” was changed, added")


def test_a_changed_card_with_its_hash_is_checked_like_any_other(model: Model) -> None:
    def change(files: dict[str, bytes]) -> None:
        card = json.loads(files["model.json"])
        files["model.json"] = json.dumps({**card, "network": "alexnet"}).encode()
        manifest = json.loads(files["manifest.json"])
        manifest["files"]["model.json"] = hashlib.sha256(files["model.json"]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()

    refused(repacked(exported_model("my-model"), change), "its model is incomplete")


def rehashed(content: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Change the files of an exported model, and its manifest with them."""

    def change_all(files: dict[str, bytes]) -> None:
        change(files)
        (manifest_name,) = [name for name in files if b'"kind"' in files[name][:200]]
        manifest = json.loads(files[manifest_name])
        manifest["files"] = {
            name: hashlib.sha256(each).hexdigest()
            for name, each in files.items()
            if name != manifest_name
        }
        files[manifest_name] = json.dumps(manifest).encode()

    return repacked(content, change_all)


def test_a_file_that_is_no_part_of_a_model_is_refused(model: Model) -> None:
    content = exported_model("my-model")
    assert import_content(rehashed(content, lambda files: None), "one", "same").name == "same"
    added = rehashed(content, lambda files: files.update({"a.npz": b""}))
    refused(added, "“a.npz” is no part of a model")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("created", each) for each in ("1e300", "NaN", "Infinity", "-1", "9" * 30)],
        *[("accuracy", each) for each in ("NaN", "2", "-1")],
        *[("C", each) for each in ("Infinity", "1e999", "NaN", "0")],
        ("n_test", "-1"),
        ("accuracy_interval", "[NaN, 1]"),
    ],
)
def test_a_number_that_cannot_be_is_refused(model: Model, name: str, value: str) -> None:
    def change(files: dict[str, bytes]) -> None:
        card = {**json.loads(files["model.json"]), name: "VALUE"}
        files["model.json"] = json.dumps(card).replace('"VALUE"', value).encode()

    refused(rehashed(exported_model("my-model"), change), "one ")


def test_an_array_that_is_no_part_of_a_model_is_refused(model: Model) -> None:
    def change(files: dict[str, bytes]) -> None:
        with np.load(io.BytesIO(files["svm.npz"])) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        buffer = io.BytesIO()
        np.savez(buffer, **found, more=np.zeros(3))
        files["svm.npz"] = buffer.getvalue()

    refused(rehashed(exported_model("my-model"), change), "one ")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x80\x04.", b"a picture", b"PK\x05\x06" + bytes(18)]
)
def test_another_kind_of_file_is_refused(content: bytes) -> None:
    refused(content, "one is not a model file")


def test_another_zip_is_refused(model: Model) -> None:
    for manifest in (b"", b"[]", b"{}", b'{"kind": "medrecog run"}', b'{"kind": "medrecog model"}'):
        content = repacked(
            exported_model("my-model"), lambda files, m=manifest: files.update({"manifest.json": m})
        )
        refused(content, "one is not a model file")


def test_a_compressed_file_is_refused_before_anything_is_unpacked(model: Model) -> None:
    bomb = repacked(
        exported_model("my-model"),
        lambda files: files.update(zeros=bytes(10**7)),
        compression=zipfile.ZIP_DEFLATED,
    )
    refused(bomb, "it is compressed")


def test_a_file_that_claims_to_hold_more_than_it_can_is_refused(model: Model) -> None:
    content = exported_model("my-model")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (info,) = (each for each in archive.infolist() if each.filename == "svm.npz")
    size = info.file_size.to_bytes(4, "little")
    claimed = content.replace(size + size, 2 * (2**31).to_bytes(4, "little"))
    assert claimed != content
    refused(claimed, "it declares more than it contains")


def test_a_newer_version_s_file_says_to_update(model: Model) -> None:
    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        files["manifest.json"] = json.dumps({**manifest, "format": 99}).encode()

    refused(repacked(exported_model("my-model"), change), "newer version .*Update medrecog")


def test_a_model_of_other_weights_says_which_it_needs(model: Model, cache: CacheFolder) -> None:
    card = cache.models / "my-model/model.json"
    card.write_text(card.read_text().replace(model.card.source.weights, "vgg19-other"))
    content = exported_model("my-model")
    delete_model("my-model")
    sentence = missing_weights(import_content(content, "one"))
    assert sentence.startswith("“my-model” needs VGG-19 with the weights ")
    assert "(vgg19-other), which are not installed. Download or import them" in sentence
    with pytest.raises(MedrecogError, match="was trained with the weights vgg19-other"):
        Predictor(load_model("my-model"))


def test_a_file_that_cannot_be_read_or_written_gets_a_sentence(
    model: Model, tmp_path: Path
) -> None:
    with pytest.raises(MedrecogError, match=r"cannot be read .*Check the path"):
        import_model(tmp_path / "nothing")
    with pytest.raises(MedrecogError, match=r"Cannot write to .*Choose another file"):
        export_model("my-model", tmp_path / "no/folder")


def refused(content: bytes, words: str) -> None:
    before = model_names()
    with pytest.raises(MedrecogError, match=words):
        import_content(content, "one", "theirs")
    assert model_names() == before
