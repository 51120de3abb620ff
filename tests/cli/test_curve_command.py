"""`learning-curve`."""

import pytest

from tests.runs.test_learning_curve import run

__all__ = ["run"]


class TestLearningCurve:
    def test_points_have_intervals_and_the_fit_its_uncertainty(self, call, run):
        answer = call("learning-curve", run.id, "--json")
        assert answer.status == 0
        found = answer.json
        assert found["unit"] == "groups"
        sizes = [each["n_groups"] for each in found["points"]]
        assert sizes == sorted(sizes)
        assert all(p["low"] <= p["accuracy"] <= p["high"] for p in found["points"])
        assert found["fitted"][-1]["n_groups"] == 2 * sizes[-1]
        assert found["gain_low"] <= found["gain_high"]
        assert "Doubling" in call("learning-curve", run.id).out

    @pytest.mark.parametrize("cell", ["block5-224-average", "x"])
    def test_an_unfinished_cell_is_bad_usage(self, call, run, cell):
        assert call("learning-curve", run.id, "--cell", cell).status == 2
