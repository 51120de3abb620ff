"""Imports and downloads, of a tiny network and of VGG-19 in its full size."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np
import pytest
from filelock import FileLock

from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.jobs.download import PAUSES
from medrecog_core.networks import (
    all_installed_weights,
    download_weights,
    find_network,
    find_weights,
    import_weights,
    installed_weights,
    load_arrays,
    remove_weights,
)
from medrecog_core.networks.table import network_parameters
from medrecog_core.networks.weight_import import downloaded_part
from tests.file_server import Answer, serving
from tests.tiny_network import (
    CONVOLUTIONS,
    TINY,
    keras_model,
    publish,
    tiny_arrays,
    write_npz,
    write_published,
)

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
VGG19 = find_network("vgg19")


@pytest.fixture(autouse=True)
def no_keras_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


@pytest.fixture
def published(tmp_path, monkeypatch, tiny):
    """The official file of the tiny network."""
    path = write_published(tmp_path / "tiny_weights.h5", tiny_arrays())
    publish(monkeypatch, path)
    return path


def download(server, monkeypatch, report=lambda *_: None):
    """Download without waiting, and return the weights and the pauses that were asked for."""
    monkeypatch.setenv("MEDRECOG_WEIGHTS_MIRROR", server.address)
    pauses = []
    return download_weights(TINY, report, pauses.append), pauses


def assert_holds(identity, arrays):
    found = load_arrays(TINY, identity, list(arrays))
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        for a, b in zip(found[name], values, strict=True):
            assert a.dtype == np.float32
            np.testing.assert_array_equal(a, b)


def state(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


# Import


def test_the_same_arrays_have_one_identity_whatever_held_them(tmp_path, tiny):
    arrays = tiny_arrays()
    model = keras_model(arrays)
    model.save(tmp_path / "a.keras")
    model.save_weights(tmp_path / "a.weights.h5")
    write_npz(tmp_path / "a.npz", arrays)
    write_published(tmp_path / "a.h5", arrays)
    write_npz(tmp_path / "b.npz", {n: tuple(a.astype(float) for a in v) for n, v in arrays.items()})
    np.savez_compressed(
        tmp_path / "c.npz",
        **{
            f"{name}/{kind}": np.asfortranarray(array.astype(">f4"))
            for name, values in arrays.items()
            for kind, array in zip(("kernel", "bias"), values, strict=True)
        },
    )
    files = sorted(tmp_path.glob("[abc].*"))
    assert len(files) == 6
    identities = {import_weights(TINY, file).identity for file in files}
    assert len(identities) == 1
    assert_holds(*identities, arrays)
    assert len(all_installed_weights(TINY)) == 1


def test_other_arrays_have_another_identity(tmp_path, tiny):
    whole = import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays()))
    headless = import_weights(TINY, write_npz(tmp_path / "b.npz", tiny_arrays(names=CONVOLUTIONS)))
    other = import_weights(TINY, write_npz(tmp_path / "c.npz", tiny_arrays(1)))
    assert len({whole.identity, headless.identity, other.identity}) == 3
    assert whole.layers == ("block1", "block2", "fc1", "fc2")
    assert headless.layers == ("block1", "block2")


def test_the_official_file_is_recognised_whatever_its_name(published, tmp_path):
    weights = import_weights(TINY, published.rename(tmp_path / "renamed.bin"))
    assert weights.identity.startswith("tiny-imagenet-keras-")
    assert weights.title == "ImageNet, Keras official file"
    assert_holds(weights.identity, tiny_arrays())


def test_official_weights_come_first_and_then_the_latest(published, tmp_path):
    first = import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays(1)))
    second = import_weights(TINY, write_npz(tmp_path / "b.npz", tiny_arrays(2)))
    assert installed_weights(TINY) == second
    official = import_weights(TINY, published)
    third = import_weights(TINY, write_npz(tmp_path / "c.npz", tiny_arrays(3)))
    assert all_installed_weights(TINY) == (official, third, second, first)
    import_weights(TINY, tmp_path / "a.npz")
    assert all_installed_weights(TINY)[1] == first


def test_a_name_that_is_no_text_is_kept_as_far_as_it_is(tmp_path, tiny):
    file = tmp_path / os.fsdecode(b"net\xff.npz")
    weights = import_weights(TINY, write_npz(file, tiny_arrays()))
    assert weights.title == "custom weights (net\N{REPLACEMENT CHARACTER}.npz)"


def test_progress_is_told_in_bytes(tmp_path, tiny):
    told = []
    import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays()), lambda *x: told.append(x))
    total = sum(4 * row.n_parameters for row in network_parameters(TINY))
    assert (told[-1][0].id, *told[-1][1:]) == ("import", total, total)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("layer", ["block2_conv1", "predictions"])
def test_numbers_that_are_not_finite_are_refused(tmp_path, tiny, cache, value, layer):
    import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays()))
    before = state(cache.weights)
    arrays = {name: tuple(a.astype(float) for a in v) for name, v in tiny_arrays(1).items()}
    arrays[layer][1][-1] = value
    file = write_npz(tmp_path / "b.npz", arrays)
    with pytest.raises(MedrecogError, match=rf"^{file} has .*not finite in {layer}'s bias\.$"):
        import_weights(TINY, file)
    assert state(cache.weights) == before


def test_damage_between_the_arrays_names_the_layer(tmp_path, tiny, cache):
    file = write_npz(tmp_path / "a.npz", tiny_arrays())
    content = bytearray(file.read_bytes())
    content[content.index(tiny_arrays()["fc2"][0].tobytes())] ^= 1
    file.write_bytes(content)
    with pytest.raises(MedrecogError, match=rf"^{file} is damaged or cut short at fc2 \(Bad CRC"):
        import_weights(TINY, file)
    assert state(cache.weights) == {}


def test_hdf5_chunks_that_cannot_be_unpacked_name_the_layer(tmp_path, tiny):
    file = write_published(tmp_path / "a.h5", tiny_arrays())
    name = "fc1/fc1_W_1:0"
    with h5py.File(file, "a") as opened:
        del opened[name]
        kernel = tiny_arrays()["fc1"][0]
        dataset = opened.create_dataset(name, data=kernel, chunks=kernel.shape, compression="gzip")
        at = dataset.id.get_chunk_info(0).byte_offset
    content = bytearray(file.read_bytes())
    content[at : at + 40] = bytes(40)
    file.write_bytes(content)
    with pytest.raises(MedrecogError, match=rf"^{file} is damaged or cut short at fc1 \("):
        import_weights(TINY, file)


def test_files_that_are_not_there_are_named(tmp_path, tiny):
    with pytest.raises(MedrecogError, match=r"nowhere\.h5 does not exist"):
        import_weights(TINY, tmp_path / "nowhere.h5")
    with pytest.raises(MedrecogError, match="is a folder"):
        import_weights(TINY, tmp_path)


def test_two_processes_do_not_install_at_once(tmp_path, tiny, cache):
    file = write_npz(tmp_path / "a.npz", tiny_arrays())
    cache.weights.mkdir(parents=True)
    other = FileLock(cache.weights / ".lock")
    with other, pytest.raises(MedrecogError, match="Another process installs weights"):
        import_weights(TINY, file)
    import_weights(TINY, file)


# Remove


def test_what_was_imported_can_be_removed(tmp_path, tiny, cache):
    kept = import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays()))
    weights = import_weights(TINY, write_npz(tmp_path / "b.npz", tiny_arrays(1)))
    remove_weights(TINY, weights.identity)
    assert all_installed_weights(TINY) == (kept,)
    assert set(state(cache.weights)) == {f"{kept.identity}.json", f"{kept.identity}.npz"}
    with pytest.raises(MedrecogError, match=f"{weights.identity} are not installed"):
        remove_weights(TINY, weights.identity)


def test_damaged_weights_can_be_removed(tmp_path, tiny, cache):
    weights = import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays()))
    (cache.weights / f"{weights.identity}.npz").write_bytes(b"")
    remove_weights(TINY, weights.identity)
    assert state(cache.weights) == {}


def test_embedded_weights_and_paths_are_not_removed(tmp_path):
    with pytest.raises(UsageError, match="come with the program and cannot be removed"):
        remove_weights(VGG19, installed_weights(VGG19).identity)
    (tmp_path / "vgg19-x.json").write_text("{}")
    with pytest.raises(MedrecogError, match="are not installed"):
        remove_weights(VGG19, "../vgg19-x")
    assert (tmp_path / "vgg19-x.json").exists()


# Download


def test_the_official_file_is_downloaded(published, monkeypatch, cache):
    told = []
    with serving(published.read_bytes()) as server:
        weights, pauses = download(server, monkeypatch, lambda *x: told.append(x))
        assert server.paths == ["/tiny/tiny_weights.h5"]
    assert pauses == []
    assert weights == installed_weights(TINY)
    assert weights.identity.startswith("tiny-imagenet-keras-")
    assert_holds(weights.identity, tiny_arrays())
    n_bytes = published.stat().st_size
    assert ("download", n_bytes, n_bytes) in [(stage.id, *count) for stage, *count in told]
    assert told[-1][0].id == "import"
    # The file itself is not kept a second time.
    assert set(state(cache.weights)) == {f"{weights.identity}.json", f"{weights.identity}.npz"}
    description = json.loads((cache.weights / f"{weights.identity}.json").read_text())
    assert description["source"] == published.name


def test_what_is_installed_is_not_downloaded_again(published, monkeypatch):
    import_weights(TINY, published)
    with serving(published.read_bytes()) as server:
        weights, _ = download(server, monkeypatch)
        assert server.requests == []
    assert weights == installed_weights(TINY)


def test_what_is_damaged_is_downloaded_again(published, monkeypatch, cache):
    weights = import_weights(TINY, published)
    os.truncate(cache.weights / f"{weights.identity}.npz", 100)
    with serving(published.read_bytes()) as server:
        assert download(server, monkeypatch)[0] == weights
    assert_holds(weights.identity, tiny_arrays())


def test_a_cut_download_is_carried_on(published, monkeypatch):
    content = published.read_bytes()
    monkeypatch.setattr("medrecog_core.jobs.download._CHUNK_BYTES", 1000)
    with serving(content, Answer(cut_after=len(content) // 2)) as server:
        weights, pauses = download(server, monkeypatch)
        assert "Range" in server.requests[1]
        assert sum(server.sent) <= len(content) + 1000
    assert pauses == [PAUSES[0]]
    assert_holds(weights.identity, tiny_arrays())


def test_keras_s_own_copy_is_used_and_left_alone(published, monkeypatch, tmp_path):
    copy = tmp_path / "keras" / "models" / published.name
    copy.parent.mkdir(parents=True)
    content = published.read_bytes()
    copy.write_bytes(content)
    with serving(content) as server:
        weights, _ = download(server, monkeypatch)
        assert server.requests == []
    assert_holds(weights.identity, tiny_arrays())
    assert copy.read_bytes() == content


def test_another_copy_in_keras_s_cache_is_passed_over(published, monkeypatch, tmp_path):
    copy = tmp_path / "keras" / "models" / published.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"half of it")
    with serving(published.read_bytes()) as server:
        download(server, monkeypatch)
        assert len(server.requests) == 1
    assert copy.read_bytes() == b"half of it"


@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c + b"x", lambda c: b"<html>"])
def test_a_file_with_another_hash_is_deleted(published, monkeypatch, cache, change, tmp_path):
    earlier = import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays(1)))
    before = state(cache.weights)
    content = published.read_bytes()
    with serving(change(content)) as server:
        with pytest.raises(
            MedrecogError, match=r"its hash is another\) and was deleted. Try again"
        ):
            download(server, monkeypatch)
        assert state(cache.weights) == before
        assert installed_weights(TINY) == earlier
        server.content, server.etag = content, '"second"'
        download(server, monkeypatch)
        assert "Range" not in server.requests[1]


@pytest.mark.parametrize("answer", [Answer(status=404), Answer(status=500), Answer(cut_after=50)])
def test_downloads_that_fail_leave_everything_as_it_was(
    published, monkeypatch, cache, answer, tmp_path
):
    earlier = import_weights(TINY, write_npz(tmp_path / "a.npz", tiny_arrays(1)))
    before = state(cache.weights)
    with serving(published.read_bytes()) as server:
        server.otherwise = answer
        with pytest.raises(MedrecogError, match=published.name):
            download(server, monkeypatch)
    part = downloaded_part(TINY).name
    after = {k: v for k, v in state(cache.weights).items() if not k.startswith(part)}
    assert after == before
    assert installed_weights(TINY) == earlier


def test_without_a_network_there_is_a_sentence(published, monkeypatch, cache):
    with serving(b"") as server:
        pass
    with pytest.raises(MedrecogError, match="cannot be reached"):
        download(server, monkeypatch)
    assert state(cache.weights) == {}


def test_a_disk_that_fills_up_while_importing_keeps_what_was_downloaded(
    published, monkeypatch, cache
):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    with serving(published.read_bytes()) as server:
        with monkeypatch.context() as patched:
            patched.setattr("medrecog_core.networks.installed_file.write_npy_member", fail)
            with pytest.raises(StorageError, match="No space left on device"):
                download(server, patched)
        assert downloaded_part(TINY).read_bytes() == published.read_bytes()
        weights, _ = download(server, monkeypatch)
        assert server.sent == [published.stat().st_size, 0]
    assert_holds(weights.identity, tiny_arrays())
    assert not downloaded_part(TINY).exists()


# VGG-19 in its full size


def vgg19_arrays():
    """Give seeded arrays one after another, so that they need not be held together."""
    for i, row in enumerate(network_parameters(VGG19)):
        rng = np.random.default_rng(i)
        yield row.name, [rng.random(shape, np.float32) - 0.5 for _, shape in row.shapes]


@pytest.fixture(scope="module")
def full_size(tmp_path_factory):
    """A cache folder with VGG-19, and the memory that importing it took."""
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is measured by way of /proc")
    folder = tmp_path_factory.mktemp("vgg19")
    with h5py.File(folder / "vgg19.h5", "w") as file:
        file.attrs["layer_names"] = [row.name.encode() for row in network_parameters(VGG19)]
        for name, (kernel, bias) in vgg19_arrays():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}_W_1:0".encode(), f"{name}_b_1:0".encode()]
            group[f"{name}_W_1:0"], group[f"{name}_b_1:0"] = kernel, bias
    assert (folder / "vgg19.h5").stat().st_size > 574_000_000
    memory, identity = measured(
        folder,
        """
        from pathlib import Path
        from medrecog_core.networks import import_weights
        file = Path(os.environ["MEDRECOG_CACHE"]).parent / "vgg19.h5"
        print(import_weights(VGG19, file).identity)
        """,
    )
    (folder / "vgg19.h5").unlink()
    yield folder, identity, memory
    for path in (folder / "cache" / "weights").glob("*.npz"):
        path.unlink()


def measured(folder, program):
    """Run a program with a cache folder; return its greatest memory in MB, and what it printed."""
    head = "import os\nfrom medrecog_core.networks import find_network\n"
    head += "VGG19 = find_network('vgg19')\n"
    # Not ru_maxrss, which begins with what the process that started this one had.
    tail = "\nprint(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program) + tail],
        env={**os.environ, "MEDRECOG_CACHE": str(folder / "cache")},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    *printed, memory = done.stdout.split()
    return float(memory) / 1024, *printed


def test_the_full_size_is_imported_in_little_memory(full_size, monkeypatch):
    folder, identity, memory = full_size
    monkeypatch.setenv("MEDRECOG_CACHE", str(folder / "cache"))
    weights = find_weights(VGG19, identity)
    assert weights.layers == tuple(layer.name for layer in VGG19.layers)
    assert installed_weights(VGG19) == weights
    # fc1 alone has 411 MB; what Python, NumPy and h5py take is in it.
    assert memory < 300


def test_blocks_are_read_without_the_head(full_size):
    folder, identity, _ = full_size
    program = f"""
    from medrecog_core.networks import load_arrays
    names = [f"block{{b}}_conv{{i}}" for b in range(1, 6) for i in range(1, 3 if b < 3 else 5)]
    arrays = load_arrays(VGG19, "{identity}", names)
    print(sum(a.size for v in arrays.values() for a in v))
    """
    memory, n_parameters = measured(folder, program)
    assert int(n_parameters) == 20_024_384
    assert memory < 300


def test_every_number_of_the_full_size_comes_back(full_size, monkeypatch):
    folder, identity, _ = full_size
    monkeypatch.setenv("MEDRECOG_CACHE", str(folder / "cache"))
    for name, arrays in vgg19_arrays():
        found = load_arrays(VGG19, identity, [name])[name]
        for a, b in zip(found, arrays, strict=True):
            assert np.array_equal(a, b)
