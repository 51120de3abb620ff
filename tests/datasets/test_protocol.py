import pytest

from medrecog_core.datasets import PROTOCOLS, Protocol
from medrecog_core.errors import UsageError


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_every_protocol_can_be_asked_for(kind):
    assert Protocol(kind).kind == kind


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "bootstrap"}, "Unknown protocol “bootstrap”. Available: auto, given"),
        ({"n_folds": 1}, "1 is not a valid number of folds"),
        ({"n_folds": 101}, "101 is not a valid number of folds"),
        ({"n_repeats": 0}, "0 is not a valid number of repeats"),
    ],
)
def test_an_impossible_protocol_is_refused(wrong, sentence):
    with pytest.raises(UsageError, match=sentence):
        Protocol(**wrong)
