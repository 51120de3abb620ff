"""What is deleted, and that nothing is deleted which something can use."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from medrecog_core import runs
from medrecog_core.datasets import library, read_dataset
from medrecog_core.datasets.manifest import write_manifest
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import (
    DescriptorKey,
    DescriptorSource,
    DescriptorStore,
)
from medrecog_core.features.extraction import extracting_alone
from medrecog_core.images import Rendering
from medrecog_core.jobs.progress import ignore, never
from medrecog_core.models import model_names
from medrecog_core.networks import DEFAULT_NETWORK, find_network, installed_weights
from medrecog_core.runs import RunSpecification, create_run
from medrecog_core.storage import Freed, Selection, delete_features
from tests.made_runs import made_run

UNREACHABLE = Selection(unreachable=True)
VECTOR = np.ones(4, dtype=np.float32)
WINDOW = Rendering(window=(0.0, 400.0))


def installed():
    return installed_weights(find_network(DEFAULT_NETWORK)).identity


def key_of(sha256, weights=None, rendering="", precision="float32", layer="block1"):
    source = (weights or installed(), "squeeze-1", precision)
    return DescriptorKey(sha256, *source, layer, 224, "max", rendering)


def put(cache, *keys):
    with DescriptorStore(cache.features) as store:
        store.put((key, VECTOR) for key in keys)


def left(cache):
    with DescriptorStore(cache.features) as store:
        assert store.check() == []
        return {entry.key for entries in store.entries() for entry in entries}


def add(name, folder, shades):
    """Add a data set of one-colour images, of which equal shades have equal files."""
    for i, shade in enumerate(shades):
        file = folder / name / ("dark", "light")[i % 2] / f"{i}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), shade).save(file)
    return library.save(read_dataset(name, folder / name))


def contents(dataset):
    return [image.file.sha256 for image in dataset.every_image]


@pytest.fixture
def first(cache, tmp_path):
    return add("first", tmp_path / "images", (10, 20, 30, 40))


@pytest.fixture
def second(first, tmp_path):
    """A data set that has two of its files in common with the first."""
    return add("second", tmp_path / "images", (30, 40, 50, 60))


def test_features_of_a_data_set_go_but_for_those_that_another_has(cache, first, second):
    keys = {key_of(sha256) for sha256 in {*contents(first), *contents(second)}}
    put(cache, *keys)
    freed = delete_features(Selection(dataset="first"))
    assert freed.n_items == 2
    assert left(cache) == {key_of(sha256) for sha256 in contents(second)}


def test_features_of_a_data_set_go_in_every_rendering(cache, first):
    sha256 = contents(first)[0]
    put(cache, key_of(sha256), key_of(sha256, rendering="of an earlier import"), key_of("f" * 64))
    delete_features(Selection(dataset="first"))
    assert left(cache) == {key_of("f" * 64)}


def test_features_of_a_network_go_whatever_its_weights(cache):
    vgg = [key_of("a" * 64, weights) for weights in (installed(), "vgg19-custom-000000000000")]
    others = [key_of("a" * 64, w) for w in ("resnet50-custom-000000000000", "vgg190-x", "else")]
    put(cache, *vgg, *others)
    assert delete_features(Selection(network="vgg19")).n_items == 2
    assert left(cache) == set(others)


def test_features_of_a_precision_go(cache):
    keys = {p: key_of("a" * 64, precision=p) for p in ("float32", "bfloat16", "float32-mnn")}
    put(cache, *keys.values())
    delete_features(Selection(precision="float32-mnn"))
    delete_features(Selection(precision="bfloat16"))
    assert left(cache) == {keys["float32"]}


def test_selections_narrow_each_other(cache, first):
    one, other = (key_of(contents(first)[0], precision=p) for p in ("float32", "bfloat16"))
    elsewhere = key_of("f" * 64, precision="bfloat16")
    put(cache, one, other, elsewhere)
    delete_features(Selection(dataset="first", precision="bfloat16"))
    assert left(cache) == {one, elsewhere}
    put(cache, other)
    delete_features(Selection(unreachable=True, precision="bfloat16"))
    assert left(cache) == {one, other}


def test_a_dry_run_counts_the_same_and_deletes_nothing(cache, first):
    keys = {key_of(sha256) for sha256 in (*contents(first), "f" * 64)}
    put(cache, *keys)
    for selection in (UNREACHABLE, Selection(dataset="first"), Selection(network="vgg19")):
        put(cache, *keys)
        counted = delete_features(selection, dry_run=True)
        assert left(cache) == keys
        assert delete_features(selection) == counted != Freed()


def test_features_of_a_run_whose_data_set_is_gone_stay(cache):
    run = made_run(n=4)
    image = run.images()[0]
    put(cache, key_of(image.sha256, "embedded"), key_of(image.sha256, "gone"))
    delete_features(UNREACHABLE)
    assert left(cache) == {key_of(image.sha256, "embedded")}
    run.delete()
    delete_features(UNREACHABLE)
    assert left(cache) == set()


def test_features_of_a_models_training_images_stay(cache, model):
    image = model.training_images.images[0]
    key = key_of(image.sha256, model.card.source.weights, image.rendering.identity)
    put(cache, key, key_of("f" * 64))
    assert model_names()
    delete_features(UNREACHABLE)
    assert left(cache) == {key}


def test_features_of_excluded_images_stay(cache, first):
    library.exclude("first", [first.images[0].path])
    put(cache, *(key_of(sha256) for sha256 in contents(first)))
    assert delete_features(UNREACHABLE) == Freed()


def test_features_of_another_rendering_go_unless_a_stopped_run_has_it(cache, first):
    deep = replace(
        first,
        images=tuple(
            replace(image, file=replace(image.file, mode="I;16")) for image in first.images
        ),
        rendering=WINDOW,
    )
    library.remove("first")
    library.save(deep)
    sha256 = contents(deep)[0]
    now, other = (
        key_of(sha256, rendering=each.for_file("I;16", 1).identity)
        for each in (WINDOW, Rendering(window=(0.0, 80.0)))
    )
    assert now.rendering != other.rendering
    put(cache, now, other)
    repeating = create_run(
        RunSpecification(dataset="first"),
        {"preprocessing": "squeeze-1", "rendering": Rendering(window=(0.0, 80.0)).to_document()},
    )
    repeating.write_state(replace(repeating.state(), status="stopped"))
    delete_features(UNREACHABLE)
    assert left(cache) == {now, other}
    repeating.delete()
    delete_features(UNREACHABLE)
    assert left(cache) == {now}


SOURCES = ("first", "shared", "second", "run", "nobody")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(
        st.tuples(
            st.sampled_from(SOURCES),
            st.sampled_from(["installed", "embedded", "gone"]),
            st.sampled_from(["", "another"]),
            st.sampled_from(["float32", "bfloat16"]),
            st.sampled_from(["block1", "block2"]),
        ),
        max_size=30,
    )
)
def test_what_can_be_reached_is_never_deleted_and_all_else_is(cache, first, second, drawn):
    run = next(iter(runs.all_runs()), None) or made_run(n=4)
    ours, theirs = contents(first), contents(second)
    sha256_of = {
        "first": next(each for each in ours if each not in theirs),
        "shared": next(each for each in ours if each in theirs),
        "second": next(each for each in theirs if each not in ours),
        "run": run.images()[0].sha256,
        "nobody": "e" * 64,
    }
    weights_of = {"installed": installed(), "embedded": "embedded", "gone": "vgg19-custom-gone"}
    keys = {
        key_of(sha256_of[source], weights_of[weights], rendering, precision, layer): (
            source != "nobody" and weights != "gone" and not rendering
        )
        for source, weights, rendering, precision, layer in drawn
    }
    shutil.rmtree(cache.features, ignore_errors=True)
    put(cache, *keys)
    freed = delete_features(UNREACHABLE)
    assert left(cache) == {key for key, is_reachable in keys.items() if is_reachable}
    assert freed.n_items == len(keys) - len(left(cache))


def test_nothing_is_deleted_while_a_run_waits_or_works(cache, first):
    put(cache, key_of("f" * 64))
    run = create_run(RunSpecification(dataset="first"))
    with pytest.raises(MedrecogError, match=run.id):
        delete_features(UNREACHABLE)
    assert len(left(cache)) == 1


def test_nothing_is_deleted_while_a_process_extracts(cache):
    put(cache, key_of("f" * 64))
    source = DescriptorSource(installed(), "squeeze-1", "float32")
    with (
        DescriptorStore(cache.features) as store,
        extracting_alone(source, 224, store, ignore, never),
        pytest.raises(MedrecogError, match="extracting"),
    ):
        delete_features(UNREACHABLE)
    assert len(left(cache)) == 1


def test_a_run_that_begins_meanwhile_ends_the_deletion(cache, monkeypatch, first):
    monkeypatch.setattr("medrecog_core.features.store._ENTRIES_AT_ONCE", 2)
    put(cache, *(key_of(f"{i:064x}") for i in range(6)))
    delete = DescriptorStore.delete

    def delete_and_start(store, keys):
        delete(store, keys)
        create_run(RunSpecification(dataset="first"))

    monkeypatch.setattr(DescriptorStore, "delete", delete_and_start)
    with pytest.raises(MedrecogError, match="not finished"):
        delete_features(UNREACHABLE)
    assert len(left(cache)) == 4


def test_nothing_is_deleted_where_it_is_not_known_what_is_used(cache, first):
    put(cache, key_of("f" * 64))
    (library.folder_of("first") / "dataset.json").write_text("{}")
    with pytest.raises(MedrecogError, match="first"):
        delete_features(UNREACHABLE)
    assert len(left(cache)) == 1


def test_files_that_were_never_read_are_looked_at_first(cache, first, tmp_path):
    unread = replace(first, images=tuple(replace(image, file=None) for image in first.images))
    write_manifest(library.folder_of("first"), unread)
    keys = {key_of(sha256) for sha256 in contents(first)}
    put(cache, *keys, key_of("f" * 64))
    delete_features(UNREACHABLE)
    assert left(cache) == keys

    write_manifest(library.folder_of("first"), unread)
    Path(first.absolute_path(first.images[0])).unlink()
    with pytest.raises(MedrecogError, match="datasets refresh first"):
        delete_features(UNREACHABLE)
    assert left(cache) == keys


@pytest.mark.parametrize(
    ("selection", "error"),
    [
        ({"dataset": "nothing"}, MedrecogError),
        ({"network": "nothing"}, UsageError),
        ({"precision": "auto"}, UsageError),
    ],
)
def test_names_that_there_are_not_are_refused(cache, selection, error):
    with pytest.raises(error, match=r"nothing|auto"):
        delete_features(Selection(**selection))


def test_a_selection_of_nothing_is_refused():
    with pytest.raises(UsageError):
        Selection()


def test_the_demo_is_not_drawn_for_it(cache):
    put(cache, key_of("f" * 64))
    delete_features(UNREACHABLE)
    assert not cache.datasets.exists()
