"""Maps of one layer, and the evidence they hold, from the network itself."""

import numpy as np
import pytest

from medrecog_core.classification import explain, l2_score, plain_score
from medrecog_core.errors import UsageError
from medrecog_core.features import (
    GLOBAL_POOLINGS,
    FeatureMapNetwork,
    PooledNetwork,
    with_evidence,
)
from medrecog_core.features.self_test import picture
from medrecog_core.networks import find_network, installed_weights
from tests.svms import train_svm

VGG19 = find_network("vgg19")
WEIGHTS = installed_weights(VGG19).identity


def pictures(side, n):
    """Pictures with structure: the self-test's, shifted, mirrored and dimmed."""
    repeated = np.tile(picture(), (3, 3, 1))
    return np.stack(
        [
            (repeated[31 * i : 31 * i + side, :: (-1) ** i][:, :side] // (1 + i % 3))
            for i in range(n)
        ]
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def networks():
    readings = [("block5", pooling) for pooling in with_evidence()]
    return PooledNetwork(VGG19, readings, "float32"), FeatureMapNetwork(VGG19, "block5", "float32")


@pytest.mark.parametrize(("side", "n"), [(224, 3), (544, 1)])
def test_evidence_sums_to_the_score_of_the_pooled_network(networks, side, n):
    pooled_network, network = networks
    images = pictures(side, n)
    rng = np.random.default_rng(0)
    maps = [network.feature_map(image) for image in images]
    for (_, name), descriptors in pooled_network.descriptors(images).items():
        pooling = GLOBAL_POOLINGS[name]
        others = np.abs(rng.normal(size=(20, 512))) * descriptors.mean()
        svm = train_svm(others, ["a", "b", "c", "d"] * 5)
        for feature_map, descriptor in zip(maps, descriptors, strict=True):
            found = explain(feature_map, pooling, l2_score(svm, pooling.pool(feature_map)))
            np.testing.assert_allclose(found.scores, svm.scores(descriptor[None])[0], rtol=1e-4)
            plain = explain(feature_map, pooling, plain_score(svm, 512))
            expected = svm.weights @ descriptor.astype(np.float64) + svm.biases
            np.testing.assert_allclose(plain.scores, expected, rtol=1e-4)


def test_pooled_bfloat16_maps_are_the_pooled_network_s_descriptors():
    image = pictures(224, 1)
    readings = [("block4", pooling) for pooling in GLOBAL_POOLINGS]
    expected = PooledNetwork(VGG19, readings, "bfloat16").descriptors(image)
    feature_map = FeatureMapNetwork(VGG19, "block4", "bfloat16", WEIGHTS).feature_map(image[0])
    assert feature_map.dtype == np.float32
    assert feature_map.shape == (14, 14, 512)
    for reading, descriptors in expected.items():
        pooled = GLOBAL_POOLINGS[reading[1]].pool(feature_map)
        np.testing.assert_allclose(pooled, descriptors[0], rtol=1e-3)


def test_unknown_layer_is_refused():
    with pytest.raises(UsageError):
        FeatureMapNetwork(VGG19, "block7", "float32")
