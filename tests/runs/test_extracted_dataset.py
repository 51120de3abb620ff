import shutil
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.datasets import draw_sample, library
from medrecog_core.errors import MedrecogError, StoppedError
from medrecog_core.features import DescriptorStore
from medrecog_core.images import PREPROCESSINGS
from medrecog_core.jobs.progress import Progress
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import find_network, installed_weights
from medrecog_core.runs import Run, extract_dataset
from medrecog_core.runs import extracted_dataset as module
from medrecog_core.runs.extracted_dataset import dataset_of_run, descriptor_source
from tests.made_runs import rewrite_record
from tests.textures import CLASSES, N_IMAGES, NAME, add_textures, specification, write_textures

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
CHEAP = {"layers": ["block1"], "poolings": ["max"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_textures(tmp_path / "images")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("the network was about to be used")

    monkeypatch.setattr(module, "extract", refuse)


def test_every_image_gets_its_descriptors_once(known: Path, cache: CacheFolder) -> None:
    asked = specification(**CHEAP)
    first = extract_dataset(asked)
    assert len(first.records) == len(first.images) == N_IMAGES
    assert first.skipped == ()
    assert first.network_images == {224: N_IMAGES}
    assert first.seconds[224] > 0
    with DescriptorStore(cache.features) as store:
        assert len(store) == N_IMAGES
        assert store.check() == []
    again = extract_dataset(asked)
    assert again.network_images == {224: 0}
    assert again.images == first.images


def test_images_are_in_the_order_of_the_records(finished: Run) -> None:
    extracted = extract_dataset(specification())
    assert extracted.network_images == {224: 0}
    for record, image in zip(extracted.records, extracted.images, strict=True):
        assert image.file == extracted.dataset.absolute_path(record)
        assert image.file.parent.name == image.label == record.label


def test_unreadable_images_are_skipped_with_the_reason_and_the_rest_goes_on(folder: Path) -> None:
    bad = {
        "noise/empty.png": (b"", "empty"),
        "stripes/text.jpg": (b"this is no picture", "not an image"),
        "waves/cut.png": ((folder / "waves/waves-0.png").read_bytes()[:200], "truncated"),
    }
    for path, (content, _) in bad.items():
        (folder / path).write_bytes(content)
    add_textures(folder)
    (folder / "noise/noise-0.png").unlink()
    extracted = extract_dataset(specification(**CHEAP))
    assert extracted.network_images == {224: N_IMAGES - 1}
    assert {record.path for record in extracted.records} == {
        f"{label}/{label}-{i}.png" for label in CLASSES for i in range(4)
    } - {"noise/noise-0.png"}
    reasons = {entry.path: entry.reason for entry in extracted.skipped}
    assert set(reasons) == {str(folder / path) for path in (*bad, "noise/noise-0.png")}
    for path, (_, word) in bad.items():
        assert word in reasons[str(folder / path)]
    assert "the file does not exist" in reasons[str(folder / "noise/noise-0.png")]


def test_images_of_one_content_go_through_the_network_once(folder: Path) -> None:
    shutil.copy(folder / "waves/waves-0.png", folder / "waves/again.png")
    add_textures(folder)
    extracted = extract_dataset(specification(**CHEAP))
    assert extracted.network_images == {224: N_IMAGES}
    assert len(extracted.images) == N_IMAGES + 1


def test_nothing_readable_gives_one_sentence(folder: Path) -> None:
    for file in folder.glob("*/*.png"):
        file.write_bytes(b"")
    add_textures(folder)
    with pytest.raises(MedrecogError) as caught:
        extract_dataset(specification(**CHEAP))
    assert str(caught.value) == (
        f"None of the {N_IMAGES} images of “textures” can be read; the first, "
        f"{folder / 'noise/noise-0.png'}: the file is empty."
    )


def test_a_folder_that_is_gone_gives_one_sentence(folder: Path, no_network: None) -> None:
    add_textures(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(MedrecogError, match=rf"The folder {folder} .* is missing. Put it back"):
        extract_dataset(specification())


def test_an_unknown_data_set_gives_one_sentence(cache: CacheFolder, no_network: None) -> None:
    with pytest.raises(MedrecogError, match="Unknown data set “textures”"):
        extract_dataset(specification())


def test_layers_of_the_head_need_keras_own_file(known: Path, no_network: None) -> None:
    with pytest.raises(MedrecogError, match=r"fc1 needs Keras's official VGG-19 file"):
        extract_dataset(specification(layers=["block1", "fc1"]))


def test_a_class_with_one_image_is_found_out_before_any_work(
    folder: Path, no_network: None
) -> None:
    for i in range(1, 4):
        (folder / f"waves/waves-{i}.png").unlink()
    add_textures(folder)
    with pytest.raises(MedrecogError, match="The class “waves” has only 1 image, which cannot be"):
        extract_dataset(specification())


def test_a_stop_keeps_the_batches_that_are_done(known: Path, cache: CacheFolder) -> None:
    done: list[int] = []

    def note(progress: Progress) -> None:
        if progress.scale:
            done.append(progress.done)

    asked = specification(**CHEAP)
    with pytest.raises(StoppedError):
        extract_dataset(asked, note, lambda: any(done))
    assert 0 < done[-1] < N_IMAGES
    with DescriptorStore(cache.features) as store:
        assert len(store) == done[-1]
    assert extract_dataset(asked).network_images == {224: N_IMAGES - done[-1]}


def test_progress_tells_the_scale_while_images_go_through_the_network(known: Path) -> None:
    seen: list[Progress] = []
    extract_dataset(specification(**CHEAP), seen.append)
    ends = {p.stage.id: (p.done, p.total, p.scale) for p in seen}
    assert ends["read-files"] == (N_IMAGES, N_IMAGES, None)
    assert ends["extract-224"] == (N_IMAGES, N_IMAGES, 224)
    assert [p.done for p in seen if p.scale] == sorted(p.done for p in seen if p.scale)


def test_the_source_names_weights_and_the_precision_that_is_used() -> None:
    source = descriptor_source(specification(precision="float32"))
    assert source.weights == installed_weights(VGG19).identity
    assert source.precision == "float32"
    assert descriptor_source(specification()).precision in ("float32", "bfloat16")


def test_every_preprocessing_has_descriptors_of_its_own(known: Path, cache: CacheFolder) -> None:
    for n, preprocessing in enumerate(PREPROCESSINGS, start=1):
        asked = specification(**CHEAP, preprocessing=preprocessing)
        assert extract_dataset(asked).network_images == {224: N_IMAGES}
        with DescriptorStore(cache.features) as store:
            assert len(store) == n * N_IMAGES


def test_a_sample_is_all_that_is_read(known: Path) -> None:
    extracted = extract_dataset(specification(**CHEAP, sample=6))
    assert extracted.network_images == {224: 6}
    assert extracted.sample == f"a sample of 6 of {N_IMAGES} images"
    assert sorted(image.label for image in extracted.images) == sorted(2 * CLASSES)
    assert extract_dataset(specification(**CHEAP, sample=N_IMAGES)).sample == ""


def test_a_sample_too_small_for_its_classes_is_refused(known: Path, no_network: None) -> None:
    with pytest.raises(MedrecogError, match=r"A sample of 5 images is too small .* at least 6"):
        extract_dataset(specification(sample=5))


def test_the_greatest_memory_is_told_for_every_scale(known: Path) -> None:
    extracted = extract_dataset(specification(**CHEAP, scales=[224, 256], sample=6))
    small, large = (extracted.peak_memory[scale] for scale in (224, 256))
    assert 10**8 < small <= large < 10**11
    again = extract_dataset(specification(**CHEAP, scales=[224, 256], sample=6))
    assert again.peak_memory == {}


def test_a_changed_image_is_skipped_until_the_data_set_is_refreshed(folder: Path) -> None:
    add_textures(folder)
    extract_dataset(specification(**CHEAP))
    shutil.copy(folder / "noise/noise-0.png", folder / "noise/kept.bak")
    (folder / "noise/noise-0.png").write_bytes((folder / "noise/noise-0.png").read_bytes() + b"\0")
    extracted = extract_dataset(specification(**CHEAP))
    assert len(extracted.images) == N_IMAGES - 1
    (skipped,) = extracted.skipped
    assert skipped.path == str(folder / "noise/noise-0.png")
    assert "has changed since the data set was added; “datasets refresh textures”" in skipped.reason
    library.refresh("textures")
    extracted = extract_dataset(specification(**CHEAP))
    assert extracted.network_images == {224: 1}
    assert len(np.unique([file.sha256 for file in extracted.images])) == N_IMAGES
    assert library.load("textures") == extracted.dataset


def test_excluded_images_take_no_part(known: Path) -> None:
    library.exclude("textures", ["noise/noise-0.png"], "blurred", "1 blurred image")
    extracted = extract_dataset(specification(**CHEAP))
    assert len(extracted.images) == N_IMAGES - 1
    assert extracted.skipped == ()
    assert extracted.network_images == {224: N_IMAGES - 1}


@pytest.fixture(autouse=True)
def no_picture_is_drawn(monkeypatch):
    monkeypatch.setattr("medrecog_core.datasets.demo.load", None)


def test_the_data_set_of_a_run_is_found_as_it_is_kept(finished):
    assert dataset_of_run(finished) == library.load(NAME)


def test_a_data_set_that_changed_since_is_not_what_the_run_saw(finished):
    library.exclude(NAME, [library.load(NAME).images[0].path], reason="a marker")
    assert dataset_of_run(finished) is None


def test_a_data_set_that_is_gone_is_not_found(finished):
    library.remove(NAME)
    assert dataset_of_run(finished) is None


def test_the_whole_set_of_a_sample_is_found(finished):
    from dataclasses import replace

    from medrecog_core import atomic_file

    dataset = library.load(NAME)
    asked = {**finished.specification().to_document(), "sample": 6, "seed": 3}
    atomic_file.write_json(finished.path / "specification.json", asked)
    seen = replace(dataset, images=draw_sample(dataset.images, 6, 3).images)
    rewrite_record(finished, dataset={"fingerprint": seen.fingerprint})
    assert dataset_of_run(finished) == dataset
