import pytest

from medrecog_core.datasets import CATALOGUE
from medrecog_core.errors import UsageError
from medrecog_core.networks import find_network
from medrecog_core.runs import PRESETS, RunSpecification, find_preset
from medrecog_core.runs.published import FIGURE_9, FIGURE_10


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_a_specification_for_a_data_set_of_the_catalogue(preset) -> None:
    assert preset.catalogue_name in CATALOGUE
    specification = RunSpecification.from_document({"dataset": "any", **preset.settings})
    assert specification.layers == preset.layers
    assert len(specification.cells) == 3 * len(preset.scales) * 2


@pytest.mark.parametrize(
    ("name", "table"), [("report-mini-mit", FIGURE_9), ("report-chest-xray", FIGURE_10)]
)
def test_a_preset_has_exactly_the_cells_of_the_published_table(name: str, table) -> None:
    settings = find_preset(name).settings
    cells = RunSpecification.from_document({"dataset": "any", **settings}).grid
    published = {(a.layer, a.scale, p) for a in table.accuracies for p in a.poolings}
    assert {(cell.layer, cell.scale, cell.pooling) for cell in cells} == published


def test_the_part_that_needs_no_head_is_told() -> None:
    preset = find_preset("report-kvasir")
    network = find_network(preset.network)
    assert preset.readable_part(network.default_layers) == ("block5",)
    assert preset.readable_part([layer.name for layer in network.layers]) == preset.layers


def test_an_unknown_preset_gives_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"Unknown preset “mit”\. Available: report-mini-mit, "):
        find_preset("mit")
