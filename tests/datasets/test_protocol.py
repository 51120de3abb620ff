import pytest

from medrecog_core.datasets import PROTOCOLS, Protocol
from medrecog_core.errors import UsageError


@pytest.mark.parametrize("kind", PROTOCOLS)
def test_every_protocol_can_be_asked_for(kind):
    assert Protocol(kind).kind == kind


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "bootstrap"}, "no protocol “bootstrap”: choose among auto, given"),
        ({"n_folds": 1}, "1 folds are not possible: choose 2 to 100"),
        ({"n_folds": 101}, "101 folds are not possible"),
        ({"n_repeats": 0}, "0 repeats are not possible: choose 1 to 100"),
    ],
)
def test_an_impossible_protocol_is_refused(wrong, sentence):
    with pytest.raises(UsageError, match=sentence):
        Protocol(**wrong)
