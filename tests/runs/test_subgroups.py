from dataclasses import replace

import pytest

from medrecog_core.errors import UsageError
from medrecog_core.runs.subgroups import MISSING, compare_by, metadata_columns, name_subgroups
from tests.made_runs import keep_dataset, made_run


@pytest.mark.parametrize(
    ("values", "limits", "names"),
    [
        (["m", "f", "m"], (), ["m", "f", "m"]),
        (["2", "10", "2.0", "nan"], (), ["2", "10", "2", MISSING]),
        (["39", "40", "60", ""], (40, 60), ["< 40", "40 to < 60", "≥ 60", MISSING]),
        (["0,5", "II"], (1,), ["< 1", "II"]),
    ],
)
def test_values_have_the_name_of_their_subgroup(
    values: list[str], limits: tuple[float, ...], names: list[str]
) -> None:
    found, order = name_subgroups(values, limits)
    assert found == names
    assert set(found) <= set(order)


def test_many_numbers_are_put_into_bins_that_hold_them() -> None:
    for low, high in ((0, 85), (20, 80), (0.1, 0.9), (-5, 5), (1950, 2020), (3, 4000)):
        values = [repr(low + (high - low) * i / 30) for i in range(31)]
        found, order = name_subgroups(values)
        assert 3 <= len(set(found)) <= 6
        # In the order of their numbers.
        assert [order.index(name) for name in found] == sorted(order.index(n) for n in found)


def test_limits_need_numbers() -> None:
    with pytest.raises(UsageError):
        name_subgroups(["f", "m"], [1])


def test_columns_are_those_of_the_test_images_in_their_order(cache: object) -> None:
    run = made_run(n_folds=2)
    assert metadata_columns(run) == {}
    n = len(run.images())
    sexes = ["f" if i % 3 else "m" for i in range(n)]
    keep_dataset(run, {"sex": sexes, "same": ["x"] * n})
    place = {image.path: i for i, image in enumerate(run.images())}
    expected = [sexes[place[image.path]] for image in run.tested_images()]
    assert metadata_columns(run) == {"sex": expected}


def test_a_column_gives_subgroups_and_other_names_are_refused(cache: object) -> None:
    run = made_run()
    keep_dataset(run, {"age": [str(i) for i in range(60)]})
    found = compare_by(run, run.cells()[0], "age", limits=[45])
    assert [(each.name, each.n_images) for each in found.subgroups] == [("< 45", 15), ("≥ 45", 15)]
    assert found.gap is not None
    with pytest.raises(UsageError, match="age"):
        compare_by(run, run.cells()[0], "sex")
    with pytest.raises(UsageError):
        compare_by(run, run.cells()[0], "age", "nothing")


def test_an_image_that_changed_since_has_no_value(cache: object) -> None:
    run = made_run()
    keep_dataset(run, {"sex": ["f", "m"] * 30})
    assert set(metadata_columns(run)["sex"]) == {"f", "m"}
    run.write_images([replace(image, sha256="f" * 64) for image in run.images()])
    assert metadata_columns(run) == {}
