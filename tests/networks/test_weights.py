import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.networks import (
    Network,
    all_installed_weights,
    check_intact,
    check_readable,
    embedded_weights,
    find_network,
    find_weights,
    import_weights,
    installed_weights,
    load_arrays,
    opened_weights,
)
from tests.tiny_network import (
    CONVOLUTIONS,
    TINY,
    publish,
    tiny_arrays,
    write_npz,
    write_published,
)

VGG19 = find_network("vgg19")


def test_embedded_weights_reach_the_blocks_alone():
    weights = installed_weights(VGG19)
    assert weights.layers == ("block1", "block2", "block3", "block4", "block5")
    assert not weights.can_read(VGG19.layer("fc1"))
    assert all_installed_weights(VGG19) == (weights,)


def test_identity_changes_with_the_archive():
    assert embedded_weights.SHA256[:12] in installed_weights(VGG19).identity


def test_blocks_are_readable():
    check_readable(VGG19, ["block1", "block5"])
    check_readable(VGG19, ["block1", "block5"], installed_weights(VGG19).identity)


@pytest.mark.parametrize(
    ("layers", "words"), [(["fc1"], "fc1 needs"), (["block5", "fc1", "fc2"], "fc1 and fc2 need")]
)
def test_head_needs_the_official_file(layers, words):
    with pytest.raises(MedrecogError, match=f"^{words} Keras's official VGG-19 file.*block5.$"):
        check_readable(VGG19, layers)


def test_the_sentence_says_how_to_get_the_file():
    with pytest.raises(
        MedrecogError, match=r"\(575 MB\).*weights download` or .*weights import FILE`, or"
    ):
        check_readable(VGG19, ["fc1"])


def test_named_weights_that_do_not_reach_a_layer_are_named():
    identity = installed_weights(VGG19).identity
    match = rf"^The weights {identity} do not reach fc1 and fc2\. "
    with pytest.raises(MedrecogError, match=match):
        check_readable(VGG19, ["block1", "fc1", "fc2"], identity)


def test_unknown_layer_is_bad_usage():
    with pytest.raises(UsageError, match="“block9”"):
        check_readable(VGG19, ["block9"])


def test_weights_that_are_not_installed_are_named():
    for ask in (
        lambda: find_weights(VGG19, "vgg19-custom-0123456789ab"),
        lambda: check_readable(VGG19, ["block1"], "vgg19-custom-0123456789ab"),
        lambda: load_arrays(VGG19, "vgg19-custom-0123456789ab", ["fc1"]),
        lambda: check_intact(VGG19, "vgg19-custom-0123456789ab"),
    ):
        with pytest.raises(MedrecogError, match=r"vgg19-custom-0123456789ab are not installed"):
            ask()


def test_a_network_without_weights_is_named(tiny):
    assert all_installed_weights(tiny) == ()
    with pytest.raises(
        MedrecogError,
        match=r"^No weights of Tiny are installed: run `[^`]* import FILE --network tiny`\.$",
    ):
        installed_weights(tiny)


def test_a_network_without_an_official_file_needs_others(tiny, tmp_path):
    import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays(names=CONVOLUTIONS)))
    with pytest.raises(MedrecogError, match=r"^fc1 needs weights of Tiny that reach so far"):
        check_readable(tiny, ["fc1"])


def test_embedded_arrays_are_those_of_the_archive():
    identity = installed_weights(VGG19).identity
    found = load_arrays(VGG19, identity, ["block5_conv4", "block1_conv1"])
    assert list(found) == ["block5_conv4", "block1_conv1"]
    expected = embedded_weights.load()
    for name, arrays in found.items():
        for a, b in zip(arrays, expected[name], strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(MedrecogError, match="embedded weights have no fc1"):
        load_arrays(VGG19, identity, ["block1_conv1", "fc1"])


def test_imported_arrays_are_those_of_the_file(tiny, tmp_path):
    weights = import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays()))
    found = load_arrays(tiny, weights.identity, ["fc2", "block1_conv1"])
    assert list(found) == ["fc2", "block1_conv1"]
    for name, arrays in found.items():
        for a, b in zip(arrays, tiny_arrays()[name], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == np.float32


def test_what_is_in_use_changes_with_what_is_installed(tiny, tmp_path, monkeypatch):
    custom = import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays()))
    check_readable(tiny, ["fc2"])
    headless = write_published(tmp_path / "notop.h5", tiny_arrays(1, CONVOLUTIONS))
    publish(monkeypatch, headless)
    official = import_weights(tiny, headless)
    assert all_installed_weights(tiny) == (official, custom)
    with pytest.raises(MedrecogError, match=r"^fc2 needs Keras's official Tiny file \(0 MB\)"):
        check_readable(tiny, ["fc2"])
    check_readable(tiny, ["fc2"], custom.identity)
    whole = write_published(tmp_path / "whole.h5", tiny_arrays(1))
    publish(monkeypatch, whole)
    assert all_installed_weights(tiny)[0] == official
    better = import_weights(tiny, whole)
    import_weights(tiny, tmp_path / "a.npz")
    assert all_installed_weights(tiny) == (better, official, custom)


def test_damage_is_found_and_damaged_weights_are_passed_over(tiny, tmp_path, cache):
    first = import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays()))
    second = import_weights(tiny, write_npz(tmp_path / "b.npz", tiny_arrays(1)))
    check_intact(tiny, first.identity)
    archive = cache.weights / f"{second.identity}.npz"
    content = bytearray(archive.read_bytes())
    content[content.index(tiny_arrays(1)["fc1"][0].tobytes())] ^= 1
    archive.write_bytes(content)
    with pytest.raises(StorageError, match="damaged at fc1"):
        check_intact(tiny, second.identity)
    archive.unlink()
    assert all_installed_weights(tiny) == (first,)


def test_damage_of_the_embedded_weights_is_found(monkeypatch, tmp_path):
    identity = installed_weights(VGG19).identity
    check_intact(VGG19, identity)
    monkeypatch.setattr(embedded_weights, "ARCHIVE", tmp_path / "gone.npz")
    with pytest.raises(StorageError, match="cannot be read"):
        check_intact(VGG19, identity)


def test_weights_of_networks_are_told_apart(tiny, tmp_path):
    weights = import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays()))
    assert all_installed_weights(VGG19) == (installed_weights(VGG19),)
    with pytest.raises(MedrecogError, match="are not installed"):
        find_weights(VGG19, weights.identity)
    assert isinstance(TINY, Network)


def test_a_network_that_was_published_says_how_to_get_its_weights():
    with pytest.raises(
        MedrecogError,
        match=r"^No weights of ResNet-50 are installed: run `.* download --network resnet50` or `",
    ):
        check_readable(find_network("resnet50"), ["conv2"])


def test_opened_weights_are_read_a_layer_at_a_time(tiny, tmp_path):
    weights = import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays(names=CONVOLUTIONS)))
    for network, identity in (
        (tiny, weights.identity),
        (VGG19, installed_weights(VGG19).identity),
    ):
        expected = load_arrays(network, identity, ["block1_conv1"])["block1_conv1"]
        with opened_weights(network, identity) as read:
            for array, other in zip(read("block1_conv1"), expected, strict=True):
                np.testing.assert_array_equal(array, other)
            with pytest.raises(MedrecogError, match="have no fc1"):
                read("fc1")
