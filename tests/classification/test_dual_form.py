import numpy as np
import pytest

from medrecog_core.classification import dual_form
from medrecog_core.classification.dual_form import DualForm


def case(n=50, channels=80, m=4, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.abs(rng.normal(size=(n, channels)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    active = rng.random((n, m)) < 0.7
    signs = np.where(rng.random((n, m)) < 0.4, 1.0, -1.0)
    return rows, active, signs, np.where(active, rng.uniform(0.1, 50, (n, m)), 0)


def slowly(rows, active, signs, costs):
    solved = np.zeros(active.shape)
    for j, part in enumerate(active.T):
        matrix = rows[part] @ rows[part].T + 1 + np.diag(1 / costs[part, j])
        solved[part, j] = np.linalg.solve(matrix, signs[part, j])
    return solved


@pytest.mark.parametrize("fewest_iterations", [0, 10**9])
def test_iterating_and_factors_solve_the_equations_of_the_active_rows(
    monkeypatch, fewest_iterations
):
    monkeypatch.setattr(dual_form, "_FEWEST_ITERATIONS", fewest_iterations)
    monkeypatch.setattr(dual_form, "_PRODUCTS_OVER_FACTORS", 100)
    rows, active, signs, costs = case()
    form = DualForm(rows)
    start = np.random.default_rng(1).normal(size=active.shape)
    found, exact = form.solve(active, signs, costs, start, np.full(4, 1e-7))
    assert exact.all() == bool(fewest_iterations)
    np.testing.assert_allclose(found, slowly(rows, active, signs, costs), atol=1e-6)


def test_iterating_that_takes_too_long_gives_way_to_factors(monkeypatch):
    monkeypatch.setattr(dual_form, "_FEWEST_ITERATIONS", 0)
    monkeypatch.setattr(dual_form, "_PRODUCTS_OVER_FACTORS", 0.3)
    rows, active, signs, costs = case()
    found, exact = DualForm(rows).solve(active, signs, costs, 0 * costs, np.full(4, 1e-12))
    assert exact.all()
    np.testing.assert_allclose(found, slowly(rows, active, signs, costs), atol=1e-10)


def test_weights_and_scores_are_those_of_the_sum_of_rows():
    rows, *_ = case()
    coefficients = np.random.default_rng(2).normal(size=(50, 3))
    form = DualForm(rows)
    weights, biases = form.weights(coefficients)
    np.testing.assert_allclose(weights, coefficients.T @ rows)
    np.testing.assert_allclose(form.scores(coefficients), rows @ weights.T + biases)
    np.testing.assert_allclose(
        form.products(coefficients, coefficients, form.scores(coefficients)),
        (weights**2).sum(axis=1) + biases**2,
    )


def test_error_bound_holds():
    rows, *_ = case()
    one, other = np.random.default_rng(3).normal(size=(2, 50, 3))
    form = DualForm(rows)
    vectors = [np.column_stack(form.weights(c)) for c in (one, other)]
    lengths = np.linalg.norm(vectors[0] - vectors[1], axis=1)
    longest = np.sqrt((rows**2).sum(axis=1).max() + 1)
    assert (form.error_bounds(one, other) >= longest * lengths).all()
