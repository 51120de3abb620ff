import json
import subprocess
import sys
from pathlib import Path

import pytest

from medrecog_core.errors import UsageError
from medrecog_core.networks import DEFAULT_NETWORK, NETWORKS, find_network, registry
from medrecog_core.networks.registry import Tables

PROJECT = Path(__file__).parents[2]


def test_vgg19_comes_first():
    assert next(iter(NETWORKS)) == DEFAULT_NETWORK == "vgg19"
    assert set(NETWORKS) >= {
        *("vgg19", "vgg16", "resnet50", "densenet121", "efficientnetv2_s", "convnext_tiny")
    }


def test_unknown_network_is_refused_with_the_networks_there_are():
    assert find_network("vgg19") is NETWORKS["vgg19"]
    for name in ("alexnet", "../networks/tables/vgg19", ""):
        with pytest.raises(UsageError, match=f"“{name}”: choose among vgg19, convnext_tiny"):
            find_network(name)


def test_a_table_in_the_folder_is_a_network(tmp_path):
    head = {"title": "Mine", "layers": [], "rows": []}
    for name in ("second", "first", "default"):
        (tmp_path / f"{name}.json").write_text(json.dumps(head))
    tables = Tables(tmp_path, first="default")
    assert list(tables) == ["default", "first", "second"]
    assert (tables["second"].name, tables["second"].title) == ("second", "Mine")
    assert tables["second"] is tables["second"]


def test_tables_are_read_when_they_are_asked_for(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_text("{")
    tables, read = Tables(tmp_path), []
    monkeypatch.setattr(registry, "read_table", lambda path: read.append(path.name))
    assert ("a" in tables, len(tables), list(tables), read) == (True, 1, ["a"], [])
    tables["a"]
    assert read == ["a.json"]


def test_listing_every_network_imports_no_keras():
    program = (
        "import sys; from medrecog_core.networks import NETWORKS, all_installed_weights;"
        "from medrecog_core.networks.layer_summary import summarise;"
        "[(all_installed_weights(n), summarise(n, 224)) for n in NETWORKS.values()];"
        "print('keras' in sys.modules, 'tensorflow' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=PROJECT, check=True
    ).stdout
    assert out == "False False\n"
