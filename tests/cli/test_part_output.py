import pytest

from tests.made_runs import keep_dataset, made_run

from .conftest import Call


def test_a_cell_by_group_is_told_beside_its_images(call: Call) -> None:
    run = made_run(n_groups=10)
    document = call("show", run.id, "--by-group", "mean", "--json").json
    found = document["by_group"]
    assert document["run"] == run.id
    assert found["n_groups"] == 10
    assert sum(map(sum, found["confusion"])) == 10
    assert (found["images"]["accuracy"]["n_images"], found["groups"]["auc"]["n_images"]) == (30, 10)
    people = call("show", run.id, "--by-group", "max", "--cell", "block1-224-average")
    assert people.status == 0
    assert people.out.startswith("block1-224-average: 30 predictions of images, 10 groups")


def test_a_column_is_told_with_its_largest_gap(call: Call) -> None:
    run = made_run()
    keep_dataset(run, {"age": [str(20 + i) for i in range(60)]})
    answer = call("show", run.id, "--by", "age", "--bins", "60,70", "--measure", "auc", "--json")
    found = answer.json["by_column"]
    assert (found["column"], found["measure"]) == ("age", "auc")
    assert [each["name"] for each in found["subgroups"]] == ["< 60", "60 to < 70", "≥ 70"]
    assert [each["n_images"] for each in found["subgroups"]] == [10, 10, 10]
    assert found["largest_gap"]["n_pairs"] == 3
    assert "Largest gap: auc" in call("show", run.id, "--by", "age", "--measure", "auc").out


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["--by", "sex"], 2),
        (["--by-group", "mean"], 1),  # no image shares a group
        (["--by-group", "mean", "--by", "age"], 2),
        (["--by", "age", "--measure", "accuracy,auc"], 2),
        (["--by", "age", "--measure", "all"], 2),
        (["--by", "age", "--cell", "block9-224-average"], 2),
        (["--bins", "3"], 2),
        (["--by-group", "median"], 2),
    ],
)
def test_a_mistake_gives_a_sentence(call: Call, options: list[str], status: int) -> None:
    run = made_run()
    keep_dataset(run, {"age": [str(20 + i) for i in range(60)]})
    answer = call("show", run.id, *options, "--json")
    assert answer.status == status
    assert answer.json == {"error": answer.sentence}
