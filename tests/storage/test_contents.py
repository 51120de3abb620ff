"""What is in the cache folder, and that it adds up."""

import numpy as np
import pytest

from medrecog_core.features import DescriptorKey, DescriptorStore
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.storage import feature_groups, parts
from medrecog_core.storage.contents import network_of
from tests.made_runs import made_run


def by_kind():
    return {part.kind: (part.n_items, part.n_bytes) for part in parts()}


def write(file, n_bytes):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(n_bytes))


def test_an_empty_cache_has_nothing_of_any_kind_and_is_left_alone(cache):
    assert set(by_kind().values()) == {(0, 0)}
    assert feature_groups() == ()
    assert not cache.root.exists()


def test_every_file_is_counted_under_its_kind(cache):
    write(cache.datasets / "one" / "dataset.json", 10)
    write(cache.datasets / "one" / "images" / "a" / "1.png", 100)
    write(cache.datasets / "one" / "download" / "all.zip", 1000)
    write(cache.models / "m" / "model.json", 20)
    write(cache.weights / "vgg19-custom-1.npz", 30)
    write(cache.weights / "vgg19-custom-1.json", 3)
    write(cache.thumbnails / "ab" / "1.jpg", 40)
    write(cache.bundled_thumbnails / "2.jpg", 4)
    write(cache.feature_maps / "3.npz", 50)
    write(cache.jobs / "check-1" / "state.json", 7)
    write(cache.queue / "000000000001.x", 1)
    write(cache.trash / "runs" / "1" / "run-1" / "state.json", 5)
    write(cache.rates, 60)
    write(cache.root / "unknown" / "file", 6)
    assert by_kind() == {
        "features": (0, 0),
        "images": (1, 100),
        "downloads": (1, 1000),
        "datasets": (1, 10),
        "runs": (0, 0),
        "trash": (1, 5),
        "jobs": (1, 8),
        "models": (1, 20),
        "weights": (1, 33),
        "thumbnails": (2, 44),
        "feature-maps": (1, 50),
        "other": (2, 66),
    }


def test_runs_and_features_are_counted_and_the_parts_make_up_the_folder(cache):
    made_run(n=4)
    key = DescriptorKey("a" * 64, "embedded", "squeeze-1", "float32", "block1", 224, "max")
    with DescriptorStore(cache.features) as store:
        store.put([(key, np.ones(64, dtype=np.float32))])
    found = by_kind()
    assert found["runs"][0] == found["features"][0] == 1
    total = sum(file.stat().st_size for file in cache.root.rglob("*") if file.is_file())
    assert sum(n_bytes for _, n_bytes in found.values()) == total


def test_links_are_not_followed(cache, tmp_path):
    write(tmp_path / "elsewhere" / "large", 10_000)
    cache.thumbnails.mkdir(parents=True)
    (cache.thumbnails / "link").symlink_to(tmp_path / "elsewhere")
    assert by_kind()["thumbnails"][1] < 1000


def test_features_are_grouped_by_weights_and_precision_the_largest_first(cache):
    vgg, other = "vgg19-imagenet-8bit-0", "else"
    with DescriptorStore(cache.features) as store:
        for weights, precision, length in (
            (other, "float32", 8),
            (vgg, "float32", 4000),
            (vgg, "float32", 4001),
            (vgg, "bfloat16", 100),
        ):
            source = (weights, "squeeze-1", precision)
            key = DescriptorKey("a" * 64, *source, "block1", length, "max")
            store.put([(key, np.ones(length, dtype=np.float32))])
    groups = feature_groups()
    assert [(g.network, g.weights, g.precision, g.n_items) for g in groups] == [
        ("vgg19", vgg, "float32", 2),
        ("vgg19", vgg, "bfloat16", 1),
        ("", other, "float32", 1),
    ]
    assert groups[0].n_bytes > 2 * 4000 * 4
    with DescriptorStore(cache.features) as store:
        assert abs(sum(group.n_bytes for group in groups) - store.n_bytes) <= len(groups)


def test_a_read_only_view_writes_nothing(cache, monkeypatch):
    with DescriptorStore(cache.features):
        pass
    before = sorted(cache.root.rglob("*"))
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    assert by_kind()["features"][1] > 0
    assert feature_groups() == ()
    assert sorted(cache.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("weights", "network"),
    [
        ("vgg19-imagenet-8bit-5d", "vgg19"),
        ("vgg16-custom-1", "vgg16"),
        ("efficientnetv2_s-custom-1", "efficientnetv2_s"),
        ("vgg190-custom-1", ""),
        ("embedded", ""),
    ],
)
def test_weights_are_named_after_their_network(weights, network):
    assert network_of(weights) == network
