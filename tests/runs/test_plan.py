import json

import pytest

from medrecog_core.networks.layer_summary import summarise
from medrecog_core.runs import RunSpecification, plan, plan_run


def planned(**changes):
    asked = {"dataset": "demo", "layers": ["block5"], "precision": "float32", **changes}
    return plan_run(RunSpecification.from_document(asked))


@pytest.fixture
def free(monkeypatch):
    """Say how much memory is free."""

    def say(n_bytes):
        class Memory:
            available = n_bytes

        monkeypatch.setattr(plan.psutil, "virtual_memory", lambda: Memory)

    return say


def test_a_plan_has_every_scale_once_the_smallest_first():
    found = planned(scales=[544, 224, 544])
    assert [scale.scale for scale in found.scales] == [224, 544]
    assert found.n_cells == 4
    assert found.n_bytes == max(scale.memory.n_bytes for scale in found.scales)


def test_members_of_fusions_outside_the_grid_are_planned_too():
    found = planned(layers=["block2"], fuse=["block3-224-max+average", "block1+block5-544-max"])
    assert [scale.scale for scale in found.scales] == [224, 544]
    assert found.scales[0].gflop == planned(layers=["block3"]).scales[0].gflop
    assert found.scales[1] == planned(layers=["block5"], scales=[544]).scales[0]
    assert found.n_bytes == found.scales[1].memory.n_bytes


def test_multiplications_are_those_of_the_layers_that_are_needed():
    from medrecog_core.networks import find_network

    rows = summarise(find_network("vgg19"), 224)
    blocks = sum(row.gflop for row in rows if row.name.startswith("block"))
    assert planned().scales[0].gflop == pytest.approx(blocks)
    assert planned(layers=["block1"]).scales[0].gflop < blocks / 5


def test_what_fits_is_not_warned_of(free):
    free(2**40)
    assert planned(scales=[224, 1184]).warning == ""


def test_a_warning_says_what_is_free_and_which_scales_fit(free):
    free(1_500_000_000)
    sentence = planned(scales=[224, 544, 1184]).warning
    assert "1.5 GB are free" in sentence
    assert "leave out scales above 544" in sentence
    assert sentence.endswith(".") and "\n" not in sentence
    free(10**8)
    assert "choose fewer layers" in planned().warning


def test_the_words_tell_images_at_once_and_memory():
    small, large = planned(scales=[224, 1184]).scales
    assert (
        small.words == f"224: 8 images at once, about {small.memory.n_bytes / 1e9:.1f} GB of memory"
    )
    assert large.words.startswith("1184: 1 image at once, about ")


def test_the_document_is_json():
    document = json.loads(json.dumps(planned(preprocessing="keep-aspect").to_document()))
    assert document["scales"][0]["images_at_once"] == 8
    assert document["scales"][0]["memory_bytes"] == document["memory_bytes"]
    assert document["preprocessing"].startswith("proportions kept")
