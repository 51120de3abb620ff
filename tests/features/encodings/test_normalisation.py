import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.preprocessing import normalize

from medrecog_core.features.encodings.normalisation import signed_square_root, unit_length

# scikit-learn takes a length of less than 1e-15 for zero.
NUMBERS = st.one_of(st.just(0.0), st.floats(1e-6, 1e3), st.floats(-1e3, -1e-6))
ROWS = arrays(np.float64, (4, 5), elements=NUMBERS)


@given(ROWS)
def test_rows_are_divided_by_their_length_as_scikit_learn_does(rows):
    np.testing.assert_allclose(unit_length(rows), normalize(rows), rtol=1e-12)


def test_lengths_are_taken_along_the_last_axis():
    values = np.arange(24.0).reshape(2, 3, 4)
    lengths = np.linalg.norm(unit_length(values), axis=-1)
    np.testing.assert_allclose(lengths, np.ones((2, 3)))


@given(ROWS)
def test_the_signed_root_squared_with_its_sign_is_the_number(rows):
    roots = signed_square_root(rows)
    np.testing.assert_allclose(roots * np.abs(roots), rows, rtol=1e-12)
