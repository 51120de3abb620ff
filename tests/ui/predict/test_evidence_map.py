import numpy as np

from medrecog_core.ui.predict.evidence_map import draw_evidence

GREY = np.full((64, 96, 3), 120, np.uint8)


def test_what_speaks_for_a_class_is_teal_and_what_speaks_against_it_orange():
    parts = np.zeros((4, 6))
    parts[0, 0], parts[3, 5] = 1, -1
    drawn = np.asarray(draw_evidence(GREY, parts)).astype(int)
    assert drawn.shape == GREY.shape
    red, _, blue = drawn[2, 2]
    assert blue > red
    red, _, blue = drawn[-3, -3]
    assert red > blue
    assert np.abs(drawn[32, 48] - 120).max() <= 4


def test_no_evidence_leaves_the_image_grey():
    assert (np.asarray(draw_evidence(GREY, np.zeros((2, 2)))) == 120).all()


def test_a_large_image_is_drawn_small():
    assert draw_evidence(np.zeros((1184, 1184, 3), np.uint8), np.ones((37, 37))).size == (640, 640)
