import numpy as np
import pytest


@pytest.fixture
def local_descriptors():
    """Local descriptors of twelve images: 9 positions of 10 channels, of length 1."""
    values = np.abs(np.random.default_rng(0).normal(size=(12, 9, 10)))
    return (values / np.linalg.norm(values, axis=2, keepdims=True)).astype(np.float32)
