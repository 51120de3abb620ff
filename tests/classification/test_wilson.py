import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.proportion import proportion_confint

from medrecog_core.classification import wilson_interval


@pytest.mark.parametrize(("n_right", "n"), [(81, 263), (0, 20), (29, 29), (15, 148)])
def test_interval_equals_statsmodels(n_right, n):
    # The four cases of Newcombe (1998), Statistics in Medicine 17, table I.
    expected = proportion_confint(n_right, n, method="wilson")
    assert wilson_interval(n_right, n) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0.5, 0.999))
def test_interval_equals_scipy_s(n, share, level):
    n_right = round(share * n)
    expected = binomtest(n_right, n).proportion_ci(level, method="wilson")
    assert wilson_interval(n_right, n, level) == pytest.approx(tuple(expected), abs=1e-12)


def test_a_greater_level_is_wider():
    low, high = wilson_interval(8, 10)
    wider_low, wider_high = wilson_interval(8, 10, level=0.99)
    assert wider_low < low < high < wider_high
