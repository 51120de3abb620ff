import pytest

from medrecog_core.runs.learning_curve import compute_learning_curve, gain_words
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.runs.test_learning_curve import run
from tests.ui.explore.test_embedding_map import opened

__all__ = ["run"]

pytestmark = pytest.mark.slow


def test_a_curve_is_offered_and_shown_when_it_was_computed(run):
    test = opened(run, tab="Learning curve")
    assert not test.exception
    assert "Compute learning curve" in [each.label for each in test.button]
    curve = compute_learning_curve(run, run.cells()[0].cell)
    test = opened(run, tab="Learning curve")
    assert not test.exception
    assert "Compute learning curve" not in [each.label for each in test.button]
    assert any(gain_words(run, curve)[:40] in each.value for each in test.markdown)
    assert len(test.dataframe[-1].value) == len(curve.points)


def test_a_view_shows_only_what_was_computed(run, monkeypatch):
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    test = opened(run, tab="Learning curve")
    assert not test.exception
    assert "Compute learning curve" not in [each.label for each in test.button]
