from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord
from medrecog_core.datasets.class_balance import (
    balance_findings,
    small_class_findings,
    training_findings,
)


def dataset(**counts):
    images = tuple(
        ImageRecord(f"{label}/{i:04d}.png", label)
        for label, n in sorted(counts.items())
        for i in range(n)
    )
    return Dataset("skin", Path("/images"), images, "a folder a class")


def test_even_classes_have_no_finding():
    assert balance_findings(dataset(mel=30, nv=60)) == []


@pytest.mark.parametrize(
    ("counts", "severity", "words"),
    [
        ({"mel": 30, "nv": 120}, "note", "“nv”, has 120 images, the smallest, “mel”, 30."),
        ({"mel": 30, "nv": 600}, "warning", "would give 95% accuracy"),
        ({"mel": 15, "nv": 15}, "warning", "“mel” depend on very few images"),
    ],
)
def test_uneven_and_small_classes_are_found(counts, severity, words):
    (found,) = balance_findings(dataset(**counts))
    assert (found.kind, found.severity) == ("class-imbalance", severity)
    assert words in found.words
    assert found.to_exclude == ()
