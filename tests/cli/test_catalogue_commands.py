import pytest

from medrecog_core.datasets import CATALOGUE

from .conftest import Call


def test_the_catalogue_is_listed(call: Call) -> None:
    answer = call("datasets", "catalogue", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert [entry["name"] for entry in answer.json] == list(CATALOGUE)
    ham10000 = answer.json[-1]
    assert ham10000["n_images"] == sum(ham10000["classes"].values()) == 10_015
    assert ham10000["files"][0]["md5"] == "4639bfa73ab251610530a97c898e6e46"
    assert (ham10000["added"], ham10000["downloaded_bytes"]) == (False, 0)


@pytest.mark.parametrize("name", CATALOGUE)
def test_people_see_whom_to_cite_and_under_which_licence(call: Call, name: str) -> None:
    entry = CATALOGUE[name]
    out = call("datasets", "catalogue", name).out
    for text in (entry.title, entry.citation, entry.licence, entry.split_rule, entry.by_hand):
        assert text in out
    assert name in call("datasets", "catalogue").out


def test_images_by_split_stand_beside_each_other(call: Call) -> None:
    classes = call("datasets", "catalogue", "chest-xray", "--json").json["classes"]
    assert classes["NORMAL"] == {"train": 1349, "test": 234}
    rows = [line.split() for line in call("datasets", "catalogue", "chest-xray").out.splitlines()]
    assert ["NORMAL", "1349", "234"] in rows


def test_an_unknown_entry_is_bad_usage(call: Call) -> None:
    answer = call("datasets", "catalogue", "isic", "--json")
    assert answer.status == 2
    assert answer.json == {"error": answer.sentence}
