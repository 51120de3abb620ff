import numpy as np

from medrecog_core.ui.predict.evidence_map import draw_colour_bar, draw_evidence

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


def test_the_colour_bar_has_the_colours_of_the_strongest_evidence_and_of_none():
    parts = np.zeros((4, 6))
    parts[0], parts[3] = 1, -1
    drawn = np.asarray(draw_evidence(np.full((64, 96, 3), 128, np.uint8), parts)).astype(int)
    bar = np.asarray(draw_colour_bar()).astype(int)
    assert np.abs(bar[0, -1] - drawn[0, 48]).max() <= 2
    assert np.abs(bar[0, 0] - drawn[-1, 48]).max() <= 2
    assert np.abs(bar[0, bar.shape[1] // 2] - 128).max() <= 1
