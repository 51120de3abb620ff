"""Compute the descriptors that the self-test expects, with Keras's own VGG-19 and sub-models.

    python scripts/make_self_test.py

No code of the features package takes part but the built-in picture, so that what the self-test
compares with was not computed by what it tests.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.features import self_test
from medrecog_core.networks import embedded_weights
from medrecog_core.networks.backend import import_keras


def main() -> None:
    keras = import_keras()
    network = keras.applications.VGG19(include_top=False, weights=None)
    for name, arrays in embedded_weights.load().items():
        network.get_layer(name).set_weights(arrays)
    prepared = keras.applications.vgg19.preprocess_input(
        self_test.picture()[None].astype(np.float32)
    )
    descriptors = {}
    for layer in ("block1", "block2", "block3", "block4", "block5"):
        read = keras.Model(network.input, network.get_layer(f"{layer}_pool").output)
        maps = read.predict(prepared, verbose=0)
        descriptors[f"vgg19/{layer}"] = maps.mean(axis=(1, 2))[0].astype(np.float32)
    np.savez(self_test.EXPECTED, **descriptors)
    print(f"wrote {self_test.EXPECTED}")


if __name__ == "__main__":
    main()
