import re

import pytest

from medrecog_core.datasets import CATALOGUE, check_name
from medrecog_core.datasets.catalogue import MINI_MIT_CLASSES, find
from medrecog_core.errors import UsageError
from medrecog_core.settings import variable_of

MIRROR = variable_of("datasets_mirror")


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry):
    assert check_name(entry.name) == entry.name
    texts = (entry.title, entry.citation, entry.licence, entry.layout)
    assert all((*texts, entry.split_rule, entry.group_rule))
    assert entry.page.startswith("https://")
    assert len(entry.classes) == len(set(entry.classes)) >= 2
    assert entry.n_bytes > 10**8
    for file in entry.files:
        assert file.address.startswith(("https://", "http://"))
        assert not file.md5 or re.fullmatch("[0-9a-f]{32}", file.md5)
        assert file.name in entry.by_hand
    assert f"datasets add {entry.name} " in entry.by_hand


@pytest.mark.parametrize("name", ["chest-xray", "kvasir-v1", "kvasir-v2", "ham10000"])
def test_images_of_the_classes_add_up(name):
    counts = CATALOGUE[name].counts.values()
    assert sum(sum(n) if isinstance(n, tuple) else n for n in counts) == CATALOGUE[name].n_images


def test_mini_mit_is_ten_classes_of_mit_67_by_a_rule_that_is_said_to_be_ours():
    mini, whole = CATALOGUE["mini-mit"], CATALOGUE["mit67"]
    assert len(whole.classes) == 67
    assert mini.classes == MINI_MIT_CLASSES == whole.classes[:10]
    assert "The 2018 report mentions this set but does not define it" in mini.remark
    assert mini.by_hand.endswith("--catalogue mini-mit`")


def test_a_mirror_has_a_folder_a_data_set(monkeypatch):
    entry = CATALOGUE["ham10000"]
    monkeypatch.setenv(MIRROR, "http://mirror/data/")
    assert entry.address(entry.files[2]) == "http://mirror/data/ham10000/HAM10000_metadata.csv"
    monkeypatch.setenv(MIRROR, "")
    assert entry.address(entry.files[2]) == entry.files[2].address


def test_a_mirror_without_web_address_is_refused(monkeypatch):
    monkeypatch.setenv(MIRROR, "/data")
    entry = CATALOGUE["ham10000"]
    with pytest.raises(UsageError, match="MEDRECOG_DATASETS_MIRROR is “/data”"):
        entry.address(entry.files[0])


def test_an_unknown_entry_is_refused():
    with pytest.raises(UsageError, match=r"Unknown data set “isic” .*: mit67, mini"):
        find("isic")
