import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets.intake.measured import binned, is_measurement, proposed_limits
from medrecog_core.errors import MedrecogError

AGES = [str(12 + 7 * i + i % 3) for i in range(20)]


@pytest.mark.parametrize(
    "labels",
    [
        AGES,
        [f"{i / 2}" for i in range(12)] * 9,
        [f"{i},5" for i in range(12)] * 9,
        [str(i) for i in range(40)] * 3
        + ["50", "61", "72", "83", "90", "91", "92", "93", "94", "95", "96"] * 2,
    ],
)
def test_measurements_are_noticed(labels):
    assert is_measurement(labels)


@pytest.mark.parametrize(
    "labels",
    [
        ["0", "1"] * 9,
        ["0", "1"],
        ["0.0", "1.0", "2.0"],
        [str(i) for i in range(10)],
        [str(i) for i in range(67)] * 3,
        [*AGES, "unknown"],
        [f"class {i}" for i in range(30)],
        [],
    ],
)
def test_numbers_of_classes_are_none(labels):
    assert not is_measurement(labels)


def test_limits_are_round_and_part_the_values_in_three():
    limits = proposed_limits(AGES)
    assert limits == (50, 100)
    counts = [
        sum(binned(age, limits) == name for age in AGES) for name in ("< 50", "50 to 100", ">= 100")
    ]
    assert sum(counts) == len(AGES)
    assert min(counts) >= 5
    assert proposed_limits(["1"] * 30 + ["2", "3"]) == (2,)


@given(
    st.lists(st.integers(-999, 999), min_size=12, max_size=60, unique=True),
    st.sampled_from([1, 10, 1000]),
)
def test_proposed_limits_always_make_several_bins(values, scale):
    labels = [f"{value / scale}" for value in values]
    limits = proposed_limits(labels)
    assert list(limits) == sorted(set(limits))
    assert len({binned(label, limits) for label in labels}) == len(limits) + 1


def test_a_limit_belongs_to_the_bin_above():
    found = [
        binned(value, (60, 120.5)) for value in ("59.99", "60", "120,4", "120.5", "-1", "1000")
    ]
    assert found == ["< 60", "60 to 120.5", "60 to 120.5", ">= 120.5", "< 60", ">= 120.5"]


def test_what_is_no_number_is_in_no_bin():
    with pytest.raises(MedrecogError, match="“old” is not a number"):
        binned("old", (1,))
