from medrecog_core.locations import CacheFolder
from tests.made_runs import made_run

from .conftest import Call


def test_people_see_what_differs_the_best_cells_and_whether_they_differ(
    call: Call, cache: CacheFolder
) -> None:
    one, other = made_run(n=120), made_run(n=120, C=0.01, separations=(0.2,), seed=1)
    one.rename("The deeper one")
    answer = call("compare", one.id, other.id)
    assert answer.status == 0
    assert f"{one.id} (“The deeper one”)" in answer.out
    assert "block2-224-average" in answer.out
    assert "0.01" in answer.out
    assert "exact McNemar test): significantly different at 5 %" in answer.out
    assert "cell in common" in answer.out
    assert "seed" not in answer.out


def test_json_is_one_document(call: Call, cache: CacheFolder) -> None:
    one, other, third = made_run(), made_run(C=0.1), made_run(n=40)
    document = call("compare", one.id, other.id, third.id, "--measure", "auc", "--json").json
    assert [run["run"] for run in document["runs"]] == [one.id, other.id, third.id]
    assert [run["settings"]["C"] for run in document["runs"]] == ["1", "0.1", "1"]
    assert [pair["same_images"] for pair in document["pairs"]] == [True, False, False]
    assert document["pairs"][0]["method"] == "paired bootstrap"
    assert document["cells"][0]["values"].keys() == {one.id, other.id, third.id}


def test_equal_runs_say_so(call: Call, cache: CacheFolder) -> None:
    answer = call("compare", made_run().id, made_run().id)
    assert "All settings are the same." in answer.out
    assert "not significantly different" in answer.out


def test_one_run_is_bad_usage(call: Call, cache: CacheFolder) -> None:
    run = made_run().id
    assert call("compare", run).status == call("compare", run, run).status == 2
    assert call("compare").status == 2
    assert "There is no run “gone”" in call("compare", run, "gone").sentence
