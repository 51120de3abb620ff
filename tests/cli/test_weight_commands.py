from pathlib import Path

import pytest

from medrecog_core.features.self_test import SelfTest
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import (
    NETWORKS,
    Network,
    embedded_weights,
    find_network,
    installed_weights,
)
from medrecog_core.networks.weight_import import downloaded_part
from tests.file_server import Answer, serving
from tests.tiny_network import CONVOLUTIONS, publish, tiny, tiny_arrays, write_npz, write_published

from .conftest import Call

pytestmark = pytest.mark.slow

__all__ = ["tiny"]

VGG19 = find_network("vgg19")


@pytest.fixture(autouse=True)
def no_keras_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Network) -> Path:
    path = write_published(tmp_path / "tiny_weights.h5", tiny_arrays())
    publish(monkeypatch, path)
    return path


def test_status_says_which_layers_the_weights_reach(call: Call) -> None:
    answer = call("weights", "status", "--json")
    assert (answer.status, answer.err) == (0, "")
    vgg19, *others = answer.json
    assert [document["network"] for document in answer.json] == list(NETWORKS)
    assert not any(document["installed"] for document in others)
    assert call("weights", "status", "--network", "vgg19", "--json").json == [vgg19]
    assert vgg19["network"] == "vgg19"
    assert vgg19["identity"] == installed_weights(VGG19).identity
    assert vgg19["layers"] == ["block1", "block2", "block3", "block4", "block5"]
    assert vgg19["not_installed"] == ["fc1", "fc2"]
    assert vgg19["damaged"] == []
    assert vgg19["self_test"] is None
    (embedded,) = vgg19["installed"]
    assert embedded["in_use"] is True
    assert embedded["bytes"] == embedded_weights.ARCHIVE.stat().st_size
    assert vgg19["official_file"] == {
        "name": "vgg19_weights_tf_dim_ordering_tf_kernels.h5",
        "bytes": 574_668_960,
        "installed": False,
        "in_keras_cache": False,
        "downloaded_bytes": 0,
    }


def test_people_see_a_row_a_network(call: Call) -> None:
    out = call("weights", "status").out
    assert "ImageNet, embedded" in out
    assert "fc1, fc2" in out
    assert (
        "(575 MB) is not installed. To install it: run `python -m medrecog_core weights "
        "download` or" in out
    )


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


def test_imported_weights_are_in_use_and_can_be_removed(
    call: Call, published: Path, tmp_path: Path, cache: CacheFolder
) -> None:
    file = write_npz(tmp_path / "mine.npz", tiny_arrays(1, CONVOLUTIONS))
    answer = call("weights", "import", file, "--network", "tiny", "--json")
    assert answer.status == 0
    identity = answer.json["identity"]
    assert answer.json == {
        "network": "tiny",
        "identity": identity,
        "title": "custom weights (mine.npz)",
        "layers": ["block1", "block2"],
        "not_reached": ["fc1", "fc2"],
        "in_use": True,
    }
    official = call("weights", "import", published, "--network", "tiny", "--json").json
    answer = call("weights", "import", file, "--network", "tiny")
    assert f"custom weights (mine.npz) ({identity}) is installed: block1, block2." in answer.out
    assert f"In use for Tiny: ImageNet, Keras official file ({official['identity']})" in answer.out
    tiny = call("weights", "status", "--json").json[-1]
    assert [w["identity"] for w in tiny["installed"]] == [official["identity"], identity]
    assert [w["in_use"] for w in tiny["installed"]] == [True, False]
    assert tiny["installed"][1]["source"] == "mine.npz"
    assert tiny["official_file"]["installed"] is True
    answer = call("weights", "delete", official["identity"], "--network", "tiny", "--json")
    assert answer.json["deleted"]
    assert call("weights", "delete", identity, "--network", "tiny").out == f"Deleted {identity}.\n"
    assert call("weights", "status", "--json").json[-1]["installed"] == []
    assert [path.name for path in cache.weights.iterdir()] == [".lock"]


def test_status_of_a_network_without_weights(call: Call, tiny: Network) -> None:
    document = call("weights", "status", "--json").json[-1]
    assert (document["identity"], document["layers"]) == (None, [])
    assert document["not_installed"] == ["block1", "block2", "fc1", "fc2"]
    assert document["official_file"] is None
    assert (
        "The weights of Tiny are not installed. To install them: run `python -m"
        in call("weights", "status").out
    )
    assert call("weights", "status", "--network", "tiny", "--self-test").status == 0


def test_what_is_damaged_is_shown_and_may_be_removed(
    call: Call, tiny: Network, tmp_path: Path, cache: CacheFolder
) -> None:
    file = write_npz(tmp_path / "mine.npz", tiny_arrays())
    identity = call("weights", "import", file, "--network", "tiny", "--json").json["identity"]
    (cache.weights / f"{identity}.npz").write_bytes(b"")
    document = call("weights", "status", "--json").json[-1]
    (damaged,) = document["damaged"]
    assert damaged["identity"] == identity
    assert damaged["reason"] in call("weights", "status").out.replace("\n\n", "\n")
    assert call("weights", "delete", identity, "--network", "tiny").status == 0


def test_self_test_reads_the_built_in_picture(call: Call) -> None:
    document = call("weights", "status", "--self-test", "--json").json[0]
    assert document["self_test"]["passed"] is True
    assert min(document["self_test"]["cosines"].values()) > 0.999
    assert "is unchanged and passed the self-test" in call("weights", "status", "--self-test").out


def test_self_test_that_fails_ends_in_status_1(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "medrecog_core.features.self_test.run_self_test",
        lambda network, identity: SelfTest(
            identity, "float32", {"block1": 0.5}, "compared", passed=False
        ),
    )
    answer = call("weights", "status", "--self-test")
    assert answer.status == 1
    assert "failed the self-test: cosines block1 0.50000" in answer.out


def test_self_test_reads_every_number(
    call: Call,
    tiny: Network,
    tmp_path: Path,
    cache: CacheFolder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The tiny network has no graph; its numbers are read all the same.
    monkeypatch.setattr(
        "medrecog_core.features.self_test.run_self_test",
        lambda network, identity: SelfTest(
            identity, "float32", {}, "compared with nothing", passed=True
        ),
    )
    file = write_npz(tmp_path / "mine.npz", tiny_arrays())
    identity = call("weights", "import", file, "--network", "tiny", "--json").json["identity"]
    documents = call("weights", "status", "--self-test", "--json").json
    assert [d["self_test"]["passed"] for d in documents if d["self_test"]] == [True, True]
    assert "is unchanged and passed the self-test" in call("weights", "status", "--self-test").out
    archive = cache.weights / f"{identity}.npz"
    content = bytearray(archive.read_bytes())
    content[content.index(tiny_arrays()["fc1"][0].tobytes())] ^= 1
    archive.write_bytes(content)
    answer = call("weights", "status", "--self-test", "--json")
    assert answer.status == 1
    assert f"{archive} are damaged at fc1" in answer.sentence


def test_download_shows_progress_and_one_document(
    call: Call, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medrecog_core.jobs.progress.MEGABYTE", 1)
    with serving(published.read_bytes()) as server:
        monkeypatch.setenv("MEDRECOG_WEIGHTS_MIRROR", server.address)
        answer = call("weights", "download", "--network", "tiny", "--json")
        assert answer.status == 0
        assert answer.json["title"] == "ImageNet, Keras official file"
        size = published.stat().st_size
        assert f": {size}/{size} MB" in answer.err
        again = call("weights", "download", "--network", "tiny")
        assert (again.status, again.err) == (0, "")
        assert len(server.requests) == 1
    assert call("weights", "status", "--json").json[-1]["official_file"]["installed"] is True


@pytest.mark.parametrize("answer", [Answer(status=404), Answer(content=b"<html>")])
def test_a_download_that_fails_is_one_sentence(
    call: Call, published: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    with serving(published.read_bytes(), answer) as server:
        monkeypatch.setenv("MEDRECOG_WEIGHTS_MIRROR", server.address)
        failed = call("weights", "download", "--network", "tiny", "--json")
    assert failed.status == 1
    assert f"{server.address}/tiny/tiny_weights.h5" in failed.sentence
    assert failed.json == {"error": failed.sentence}


def test_status_says_what_has_come_and_what_keras_has(
    call: Call, published: Path, tiny: Network, tmp_path: Path
) -> None:
    part = downloaded_part(tiny)
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(3_000_000))
    assert "3 MB are already downloaded." in call("weights", "status").out
    assert call("weights", "status", "--json").json[-1]["official_file"]["downloaded_bytes"] == 3e6
    (tmp_path / "keras" / "models").mkdir(parents=True)
    (tmp_path / "keras" / "models" / published.name).write_bytes(b"")
    assert (
        "A file of that name is in the Keras cache and is used if its hash matches"
        in call("weights", "status").out
    )


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("import", "/nowhere/weights.h5"), 1, "/nowhere/weights.h5 does not exist"),
        (("import", __file__), 1, "is not a weight file. Use a Keras file"),
        (("import", __file__, "--network", "alexnet"), 2, "Unknown network “alexnet”"),
        (("download", "--network", "alexnet"), 2, "Unknown network “alexnet”"),
        (("status", "--network", "alexnet"), 2, "Unknown network “alexnet”"),
        (("remove", "vgg19-custom-0123456789ab"), 1, "are not installed"),
        (("remove", installed_weights(VGG19).identity), 2, "come with the program"),
    ],
)
def test_mistakes_are_one_sentence(
    call: Call, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    answer = call("weights", *arguments, "--json")
    assert answer.status == status
    assert sentence in answer.sentence
    assert answer.json == {"error": answer.sentence}
