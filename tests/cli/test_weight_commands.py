from pathlib import Path

import pytest

from medrecog_core.networks import embedded_weights, installed_weights
from medrecog_core.networks.vgg19 import BLOCKS, VGG19

from .conftest import Call


def test_status_says_which_layers_the_weights_reach(call: Call) -> None:
    answer = call("weights", "status", "--json")
    assert (answer.status, answer.err) == (0, "")
    (vgg19,) = answer.json
    assert vgg19["network"] == "vgg19"
    assert vgg19["identity"] == installed_weights(VGG19).identity
    assert vgg19["layers"] == [name for name, _, _ in BLOCKS]
    assert vgg19["not_installed"] == ["fc1", "fc2"]


def test_people_see_a_row_a_network(call: Call) -> None:
    out = call("weights", "status").out
    assert "ImageNet, embedded" in out
    assert "fc1, fc2" in out


def test_damaged_weights_give_a_sentence(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    archive = tmp_path / "weights.npz"
    archive.write_bytes(b"PK")
    monkeypatch.setattr(embedded_weights, "ARCHIVE", archive)
    answer = call("weights", "status", "--json")
    assert answer.status == 1
    assert answer.sentence.startswith(f"The embedded weights {archive} are damaged")
    assert answer.json == {"error": answer.sentence}
