import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.networks import check_readable, embedded_weights, find_network, installed_weights

VGG19 = find_network("vgg19")


def test_embedded_weights_reach_the_blocks_alone():
    weights = installed_weights(VGG19)
    assert weights.layers == ("block1", "block2", "block3", "block4", "block5")
    assert not weights.can_read(VGG19.layer("fc1"))


def test_identity_changes_with_the_archive():
    assert embedded_weights.SHA256[:12] in installed_weights(VGG19).identity


def test_blocks_are_readable():
    check_readable(VGG19, ["block1", "block5"])


@pytest.mark.parametrize(
    ("layers", "words"), [(["fc1"], "fc1 needs"), (["block5", "fc1", "fc2"], "fc1 and fc2 need")]
)
def test_head_needs_the_official_file(layers, words):
    with pytest.raises(MedrecogError, match=f"^{words} Keras's official VGG-19 file.*block5.$"):
        check_readable(VGG19, layers)


def test_unknown_layer_is_bad_usage():
    with pytest.raises(UsageError):
        check_readable(VGG19, ["block9"])
