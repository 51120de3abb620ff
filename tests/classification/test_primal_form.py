import numpy as np

from medrecog_core.classification.primal_form import PrimalForm


def case():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 7))
    active = rng.random((50, 4)) < 0.7
    signs = np.where(rng.random((50, 4)) < 0.4, 1.0, -1.0)
    return rows, active, signs, np.where(active, rng.uniform(0.1, 50, (50, 4)), 0)


def test_solution_is_weighted_ridge_regression_on_the_active_rows():
    rows, active, signs, costs = case()
    found, exact = PrimalForm(rows).solve(active, signs, costs, np.zeros((8, 4)), np.zeros(4))
    assert exact.all()
    extended = np.column_stack([rows, np.ones(50)])
    for j in range(4):
        matrix = np.eye(8) + (extended.T * costs[:, j]) @ extended
        expected = np.linalg.solve(matrix, extended.T @ (costs[:, j] * signs[:, j]))
        np.testing.assert_allclose(found[:, j], expected)


def test_weights_and_scores_are_the_coefficients_own():
    rows, *_ = case()
    coefficients = np.random.default_rng(1).normal(size=(8, 3))
    form = PrimalForm(rows)
    weights, biases = form.weights(coefficients)
    np.testing.assert_allclose(form.scores(coefficients), rows @ weights.T + biases)
    np.testing.assert_allclose(
        form.products(coefficients, coefficients, form.scores(coefficients)),
        (weights**2).sum(axis=1) + biases**2,
    )


def test_error_bound_is_the_gradient_times_the_longest_row():
    rows, *_ = case()
    rng = np.random.default_rng(2)
    coefficients, duals = rng.normal(size=(8, 3)), rng.normal(size=(50, 3))
    extended = np.column_stack([rows, np.ones(50)])
    expected = np.linalg.norm(coefficients - extended.T @ duals, axis=0)
    expected = expected * np.linalg.norm(extended, axis=1).max()
    np.testing.assert_allclose(PrimalForm(rows).error_bounds(coefficients, duals), expected)
