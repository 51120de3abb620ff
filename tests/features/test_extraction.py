import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture

from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.features import (
    GLOBAL_POOLINGS,
    POOLINGS,
    Cell,
    DescriptorReader,
    DescriptorStore,
    PooledNetwork,
    extract,
    extraction,
    grid,
    hash_images,
)
from medrecog_core.features.cell import LOCAL
from medrecog_core.features.extraction import extracting_alone, is_extracting
from medrecog_core.images import (
    Image,
    Rendering,
    find_preprocessing,
    read_image,
    squeeze,
)
from medrecog_core.jobs.progress import ignore, never
from medrecog_core.networks import find_network

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
CELLS = grid(VGG19, ["block1", "block2"], [224], ["max", "average"])


@pytest.fixture
def images(write_image):
    return [write_image(f"{i}.png", i) for i in range(5)]


@pytest.fixture
def passes(monkeypatch):
    """Count the images of every pass, by the readings asked of the graph."""
    counted = []
    original = PooledNetwork.descriptors

    def counting(self, batch):
        counted.append((self.readings, len(batch)))
        return original(self, batch)

    monkeypatch.setattr(PooledNetwork, "descriptors", counting)
    return counted


def test_descriptors_in_the_store_are_those_of_the_network(images, reader):
    extract(images, CELLS, reader)
    squares = np.stack([squeeze(read_image(image.file), 224) for image in images])
    readings = [(cell.layer, cell.pooling) for cell in CELLS]
    expected = PooledNetwork(VGG19, readings, "float32").descriptors(squares)
    for cell in CELLS:
        found = reader.read(images, cell)
        np.testing.assert_allclose(found, expected[cell.layer, cell.pooling], rtol=1e-4)


@pytest.mark.parametrize("n_views", [2, 10])
def test_views_are_averaged_and_kept_apart(images, passes, source, store, n_views):
    way = find_preprocessing("squeeze", n_views)
    reader = DescriptorReader(VGG19, replace(source, preprocessing=way.version), store)
    done = extract(images[:2], CELLS, reader)
    assert sum(n for _, n in passes) == 2 * n_views
    assert (done.network_images, done.passes[0].n_images) == ({224: 2}, 2 * n_views)
    network = PooledNetwork(VGG19, [(cell.layer, cell.pooling) for cell in CELLS], "float32")
    pixels = np.stack([way.pixels(read_image(image.file), 224) for image in images[:2]])
    of_views = [network.descriptors(view) for view in way.views_of(pixels)]
    for cell in CELLS:
        expected = np.mean([view[cell.layer, cell.pooling] for view in of_views], axis=0)
        np.testing.assert_allclose(reader.read(images[:2], cell), expected, rtol=1e-4, atol=1e-4)
        assert DescriptorReader(VGG19, source, store).missing(images[:2], cell) == images[:2]


def test_a_scale_costs_one_pass_whatever_the_number_of_cells(images, passes, reader):
    done = extract(images, CELLS, reader)
    assert sum(n for _, n in passes) == len(images)
    assert done.network_images == {224: 5}
    assert done.skipped == []


def test_each_pass_is_told_with_its_deepest_layer_and_time(images, reader):
    shallow = [cell for cell in CELLS if cell.layer == "block1"]
    extract(images[:2], CELLS, reader)
    (told,) = extract(images[:3], shallow, reader).passes
    assert (told.layer, told.scale, told.n_images) == ("block1", 224, 1)
    assert told.seconds > 0
    (told,) = extract(images, CELLS, reader).passes
    assert (told.layer, told.n_images) == ("block2", 3)
    assert extract(images, CELLS, reader).passes == []


def test_encodings_of_a_layer_share_one_pass_with_its_poolings(images, store, passes, reader):
    cells = grid(VGG19, ["block1", "block2"], [224], POOLINGS)
    extract(images, cells, reader)
    read = (*GLOBAL_POOLINGS, LOCAL)
    readings = {(layer, reading) for layer in ("block1", "block2") for reading in read}
    assert sum(n for _, n in passes) == len(images)
    assert {reading for asked, _ in passes for reading in asked} == readings
    assert len(store) == len(images) * len(readings)
    assert extract(images, cells, reader).network_images == {224: 0}


def test_local_descriptors_in_the_store_are_those_of_the_network(images, reader):
    cell = Cell("block2", 224, "fisher")
    extract(images, [cell], reader)
    squares = np.stack([squeeze(read_image(image.file), 224) for image in images])
    expected = PooledNetwork(VGG19, [("block2", LOCAL)], "float32").descriptors(squares)
    found = reader.local(images, cell)
    for i, positions in enumerate(expected["block2", LOCAL]):
        np.testing.assert_allclose(found[i], positions.reshape(-1, 128), atol=1e-3)


def test_pooled_descriptors_that_are_there_are_left_alone_when_encodings_come(
    images, passes, reader
):
    extract(images, CELLS, reader)
    passes.clear()
    extract(images, [*CELLS, Cell("block1", 224, "vlad")], reader)
    assert {layer for readings, _ in passes for layer, _ in readings} == {"block1"}


def test_local_descriptors_beyond_the_bound_are_refused_before_any_pass(
    images, passes, monkeypatch, reader
):
    monkeypatch.setenv("MEDRECOG_LOCAL_DESCRIPTORS_GB", "0.001")
    with pytest.raises(MedrecogError, match="Choose deeper layers"):
        extract(images, [*CELLS, Cell("block1", 224, "vlad")], reader)
    assert passes == []


def test_second_extraction_passes_nothing(images, passes, reader):
    extract(images, CELLS, reader)
    passes.clear()
    assert extract(images, CELLS, reader).network_images == {224: 0}
    assert passes == []


def test_only_new_images_go_through(images, passes, write_image, reader):
    extract(images, CELLS, reader)
    more = [*images, write_image("new.png", 99)]
    assert extract(more, CELLS, reader).network_images == {224: 1}


def test_progress_counts_on_from_the_images_that_are_in_the_store(images, write_image, reader):
    extract(images, CELLS, reader)
    reports = []
    more = [*images, write_image("new.png", 99)]
    extract(more, CELLS, reader, reports.append)
    counts = [(each.done, each.total, each.found) for each in reports if each.scale == 224]
    assert (counts[0], counts[-1]) == ((5, 6, 5), (6, 6, 5))


def test_network_stops_at_the_deepest_layer_that_is_missing(images, passes, reader):
    deep = grid(VGG19, ["block2"], [224], ["max"])
    extract(images, deep, reader)
    passes.clear()
    shallow = grid(VGG19, ["block1", "block2"], [224], ["max"])
    extract(images, shallow, reader)
    assert {layer for readings, _ in passes for layer, _ in readings} == {"block1"}


def test_images_of_one_content_go_through_once(write_image, reader):
    twins = [write_image("a.png", 7), write_image("b.png", 7)]
    assert twins[0].sha256 == twins[1].sha256
    assert extract(twins, CELLS, reader).network_images == {224: 1}
    one, other = reader.read(twins, CELLS[0])
    np.testing.assert_array_equal(one, other)


def test_a_changed_file_is_another_image(write_image, reader):
    before = write_image("a.png", 1)
    extract([before], CELLS, reader)
    after = write_image("a.png", 2)
    assert extract([after], CELLS, reader).network_images == {224: 1}
    one, other = reader.read([before, after], CELLS[0])
    assert not np.array_equal(one, other)


def test_file_that_changes_meanwhile_is_skipped(write_image, reader):
    stale = write_image("a.png", 1)
    write_image("a.png", 2)
    done = extract([stale], CELLS, reader)
    assert done.network_images == {224: 0}
    assert "changed" in done.skipped[0].reason


def test_unreadable_images_are_listed_and_the_rest_goes_on(images, tmp_path, reader):
    whole = images[0].file.read_bytes()
    bad = {"cut.png": whole[: len(whole) // 2], "empty.png": b"", "text.jpg": b"no picture"}
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    hashed, unread = hash_images([tmp_path / name for name in bad])
    assert unread == []
    done = extract([*images, *hashed], CELLS, reader)
    assert done.network_images == {224: 5}
    assert {entry.path.rsplit("/", 1)[-1] for entry in done.skipped} == set(bad)
    assert all(entry.reason for entry in done.skipped)


def test_an_unreadable_image_is_tried_at_one_scale_only(tmp_path, reader):
    (tmp_path / "text.jpg").write_bytes(b"no picture")
    hashed, _ = hash_images([tmp_path / "text.jpg"])
    cells = grid(VGG19, ["block1"], [224, 256], ["max"])
    done = extract(hashed, cells, reader)
    assert done.network_images == {224: 0, 256: 0}
    assert len(done.skipped) == 1


def test_one_graph_serves_all_scales(images, monkeypatch, reader):
    built = []
    original = PooledNetwork.__init__

    def building(self, *arguments):
        built.append(arguments[1])
        original(self, *arguments)

    monkeypatch.setattr(PooledNetwork, "__init__", building)
    extract(images, grid(VGG19, ["block1"], [224, 256], ["max"]), reader)
    assert built == [[("block1", "max")]]


def test_scales_are_kept_apart(images, reader):
    cells = grid(VGG19, ["block1"], [224, 256], ["average"])
    done = extract(images, cells, reader)
    assert done.network_images == {224: 5, 256: 5}
    small, large = (reader.read(images, cell) for cell in cells)
    assert not np.allclose(small, large)


def test_stop_keeps_the_finished_batches(write_image, store, monkeypatch, reader):
    monkeypatch.setattr(extraction, "batch_size", lambda scale, precision: 2)
    images = [write_image(f"{i}.png", i) for i in range(6)]
    # Asked in each of the two looks into the store, and before each batch.
    asked = iter([False] * (2 + 1) + [True])
    with pytest.raises(StoppedError):
        extract(images, CELLS, reader, should_stop=lambda: next(asked))
    assert len(store) == 2 * len(CELLS)
    assert extract(images, CELLS, reader).network_images == {224: 4}


def test_progress_counts_up_to_all_images(images, reader):
    reports = []
    extract(images, CELLS, reader, report=reports.append)
    at_network = [r for r in reports if r.scale == 224]
    assert [r.done for r in at_network] == sorted(r.done for r in at_network)
    assert at_network[-1].done == at_network[-1].total == 5


def test_missing_descriptor_is_named(images, reader):
    with pytest.raises(StorageError, match=r"0\.png in block1-224-max are missing"):
        reader.read(images, CELLS[0])


def test_precision_and_weights_are_part_of_the_key(images, source, store, reader):
    extract(images[:1], CELLS[:1], reader)
    for other in (replace(source, precision="bfloat16"), replace(source, weights="others")):
        with pytest.raises(StorageError):
            DescriptorReader(VGG19, other, store).read(images[:1], CELLS[0])


def test_descriptors_survive_in_a_copied_folder(images, source, store, tmp_path, reader):
    import shutil

    extract(images, CELLS, reader)
    store.close()
    shutil.copytree(store.folder, tmp_path / "copied")
    with DescriptorStore(tmp_path / "copied") as copied:
        elsewhere = [Image(str(tmp_path / "other place"), image.sha256) for image in images]
        assert DescriptorReader(VGG19, source, copied).read(elsewhere, CELLS[0]).shape == (5, 64)


def test_empty_list_of_images_needs_no_network(passes, reader):
    assert extract([], [Cell("block1", 224, "max")], reader).network_images == {224: 0}
    assert passes == []


def test_one_file_in_two_renderings_has_two_descriptors(tmp_path, store, reader):
    pixels = np.random.default_rng(0).integers(0, 4096, (32, 32), dtype=np.uint16)
    Picture.fromarray(pixels).save(tmp_path / "16.png")
    (file,), _ = hash_images([tmp_path / "16.png"])
    narrow, wide = (
        replace(file, rendering=Rendering(window=window)) for window in ((0, 4095), (1000, 2000))
    )
    done = extract([narrow, wide, narrow], CELLS[:1], reader)
    assert done.network_images == {224: 2}
    assert len(store) == 2
    one, other, again = reader.read([narrow, wide, narrow], CELLS[0])
    assert not np.allclose(one, other)
    np.testing.assert_array_equal(one, again)
    with pytest.raises(StorageError):
        reader.read([file], CELLS[0])
    plain = extract([file], CELLS[:1], reader)
    assert plain.network_images == {224: 1}


def test_only_the_frame_that_cannot_be_read_is_left_out(tmp_path, reader):
    frames = [
        Picture.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16), dtype=np.uint8))
        for i in range(2)
    ]
    frames[0].save(tmp_path / "2.tif", save_all=True, append_images=frames[1:])
    (file,), _ = hash_images([tmp_path / "2.tif"])
    images = [replace(file, rendering=Rendering(frame=i)) for i in range(3)]
    done = extract(images, CELLS[:1], reader)
    assert done.unreadable == {images[2].identity}
    assert [entry.path for entry in done.skipped] == [f"{tmp_path / '2.tif'}#2"]
    first, second = reader.read(images[:2], CELLS[0])
    assert not np.allclose(first, second)


def test_another_scale_or_source_is_not_waited_for(store, source):
    with (
        extracting_alone(source, 224, store, ignore, never),
        extracting_alone(source, 544, store, ignore, never),
        extracting_alone(replace(source, precision="bfloat16"), 224, store, ignore, never),
    ):
        pass


def test_the_second_waits_until_the_first_has_ended(store, source):
    waits, entered = threading.Event(), threading.Event()

    def second():
        with extracting_alone(source, 224, store, lambda _: waits.set(), never):
            entered.set()

    thread = threading.Thread(target=second)
    with extracting_alone(source, 224, store, ignore, never):
        thread.start()
        assert waits.wait(20)
        assert not entered.is_set()
    thread.join(20)
    assert entered.is_set()


def test_who_waits_can_be_stopped(store, source):
    told = []

    def second():
        with extracting_alone(source, 224, store, told.append, lambda: bool(told)):
            pytest.fail("two extracted at once")

    with ThreadPoolExecutor(1) as other, extracting_alone(source, 224, store, ignore, never):
        assert isinstance(other.submit(second).exception(20), StoppedError)
    assert [(p.stage.id, p.waits) for p in told] == [("wait-for-extraction-224", True)]


def test_an_error_lets_the_next_one_in(store, source):
    with pytest.raises(ZeroDivisionError), extracting_alone(source, 224, store, ignore, never):
        raise ZeroDivisionError
    with extracting_alone(source, 224, store, ignore, never):
        pass


def test_a_lock_that_cannot_be_made_gives_a_sentence(store, source):
    store.folder.with_name("features-locks").write_text("")
    with (
        pytest.raises(StorageError, match="Cannot write to"),
        extracting_alone(source, 224, store, ignore, never),
    ):
        pass


def test_the_store_takes_no_lock_for_an_entry(store, source):
    with extracting_alone(source, 224, store, ignore, never):
        assert store.check() == []


def test_it_is_known_whether_a_process_extracts(store, source):
    assert not is_extracting(store)
    with extracting_alone(source, 224, store, ignore, never):
        assert is_extracting(store)
    assert not is_extracting(store)
