"""`storage list` and `storage delete`."""

import numpy as np
import pytest

from medrecog_core.features import DescriptorKey, DescriptorStore
from medrecog_core.locations import CacheFolder
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.cli.conftest import Call

WEIGHTS = "vgg19-custom-000000000000"


@pytest.fixture(autouse=True)
def entry(cache: CacheFolder) -> DescriptorKey:
    key = DescriptorKey("a" * 64, WEIGHTS, "squeeze-1", "float32", "block1", 224, "max")
    with DescriptorStore(cache.features) as store:
        store.put([(key, np.ones(64, dtype=np.float32))])
    return key


def test_list_names_the_folder_and_what_is_in_it(call: Call, cache: CacheFolder) -> None:
    document = call("storage", "list", "--json").json
    assert document["folder"] == str(cache.root)
    assert document["bytes"] == sum(part["bytes"] for part in document["parts"])
    assert document["parts"][0]["kind"] == "features"
    assert document["parts"][0]["count"] == 1
    (group,) = document["features"]
    assert (group["network"], group["weights"], group["count"]) == ("vgg19", WEIGHTS, 1)
    shown = call("storage", "list").out
    assert str(cache.root) in shown
    assert WEIGHTS in shown


def test_delete_counts_first_and_then_deletes(call: Call) -> None:
    planned = call("storage", "delete", "--unreachable", "--dry-run", "--json").json
    assert (planned["count"], planned["deleted"]) == (1, False)
    done = call("storage", "delete", "--unreachable", "--json").json
    assert done == {**planned, "deleted": True}
    assert call("storage", "delete", "--network", "vgg19", "--json").json["count"] == 0


def test_delete_without_a_selection_is_bad_usage(call: Call) -> None:
    assert call("storage", "delete").status == 2
    assert call("storage", "delete", "--dataset", "nothing").status == 1


def test_a_read_only_view_lists_and_deletes_nothing(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    assert call("storage", "list", "--json").json["features"] == []
    for more in ((), ("--dry-run",)):
        assert call("storage", "delete", "--unreachable", *more).status == 1
