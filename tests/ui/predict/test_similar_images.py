from medrecog_core.models import SimilarImage
from medrecog_core.ui.predict.similar_images import picture_of

OTHER = "0" * 64


def test_a_picture_is_shown_only_while_its_file_is_the_one_that_was_learnt_from(model):
    known = model.training_images.images[0]
    assert picture_of(SimilarImage(known.path, known.label, known.sha256, 0.0))
    assert picture_of(SimilarImage(known.path, known.label, OTHER, 0.0)) is None
    assert picture_of(SimilarImage("", known.label, known.sha256, 0.0)) is None
    assert picture_of(SimilarImage("/nowhere.png", known.label, known.sha256, 0.0)) is None
