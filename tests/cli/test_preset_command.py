from pathlib import Path

from medrecog_core.runs import PRESETS

from .conftest import Call


def test_presets_are_listed_with_the_layers_that_need_other_weights(call: Call) -> None:
    answer = call("presets", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert [document["name"] for document in answer.json] == list(PRESETS)
    assert answer.json[1]["scales"] == [224, 544]
    assert answer.json[1]["need_other_weights"] == ["fc1", "fc2"]
    rows = [line.split() for line in call("presets").out.splitlines()]
    (row,) = (row for row in rows if row[0] == "report-mini-mit")
    assert row[-4:] == ["block5,fc1,fc2", "224,544,864,1184", "max,average", "fc1,fc2"]


def test_other_options_go_before_the_preset(call: Call, known: Path) -> None:
    answer = call(
        *("run", "--preset", "report-chest-xray", "--dataset", "textures"),
        *("--layers", "block1", "--scales", "224", "--json"),
    )
    assert answer.status == 0
    cells = [(c["layer"], c["scale"], c["pooling"]) for c in answer.json["cells"]]
    assert cells == [("block1", 224, "max"), ("block1", 224, "average")]


def test_layers_that_need_other_weights_are_named_before_any_work(call: Call, known: Path) -> None:
    answer = call("run", "--preset", "report-chest-xray", "--dataset", "textures", "--json")
    assert answer.status != 0
    assert answer.sentence.startswith("fc1 and fc2 need Keras")
    assert "or choose among block1" in answer.sentence


def test_a_preset_and_a_specification_do_not_go_together(call: Call) -> None:
    answer = call("run", "--preset", "report-kvasir", "--spec", "x.json")
    assert answer.status == 2
    assert "Use one of them" in answer.sentence
