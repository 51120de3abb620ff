from medrecog_core.images.thumbnails import bundled_thumbnail
from medrecog_core.models import SimilarImage
from medrecog_core.ui.predict.similar_images import agreement, picture_of

OTHER = "0" * 64


def test_a_picture_is_shown_only_while_its_file_is_the_one_that_was_learnt_from(model):
    known = model.training_images.images[0]
    assert picture_of(SimilarImage(known.path, known.sha256, known.label, distance=0.0))
    assert picture_of(SimilarImage(known.path, OTHER, known.label, distance=0.0)) is None
    unseen = model.training_images.images[1]
    assert picture_of(SimilarImage("", unseen.sha256, unseen.label, distance=0.0)) is None
    assert (
        picture_of(SimilarImage("/nowhere.png", unseen.sha256, unseen.label, distance=0.0)) is None
    )


def test_a_bundle_s_thumbnail_stands_for_a_file_that_is_not_here(cache):
    kept = bundled_thumbnail(OTHER)
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"a small picture")
    assert picture_of(SimilarImage("", OTHER, "waves", distance=0.0)) == b"a small picture"


def test_neighbours_are_counted_by_label_without_copies():
    images = [SimilarImage("", OTHER, label, distance=0.1) for label in ("b", "a", "b")]
    assert agreement(images, 0) == ": 2 of 3 labelled b, 1 of 3 labelled a"
    assert agreement(images[:1], 2) == ": 1 of 1 labelled b (2 copies not counted)"
    assert agreement([], 1) == " (1 copy not counted)"
