"""Descriptors of made-up classes: not negative, as pooled ones are, and none too easily told."""

import numpy as np


def clouds(n_classes, n=60, channels=40, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(1234).normal(size=(n_classes, channels))
    which = rng.integers(n_classes, size=n)
    which[:n_classes] = range(n_classes)
    descriptors = np.abs(centres[which] + rng.normal(scale=1.5, size=(n, channels)))
    return descriptors.astype(np.float32), [f"class {i}" for i in which]
