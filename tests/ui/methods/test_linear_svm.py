"""The lesson on the linear SVM, against scikit-learn and a search over all borders."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import SVC, LinearSVC

from medrecog_core.locations import CACHE_VARIABLE
from medrecog_core.ui.methods import linear_svm
from medrecog_core.ui.methods.linear_svm import (
    APART,
    CLASSES,
    NEW,
    OF_RUNS,
    OVERLAPPING,
    PRESETS,
    TEXTBOOK,
    Cs,
    Point,
    is_support,
    margins,
    places_of,
    train_border,
    turned,
)
from tests.ui.settling import settle
from tests.ui.test_pages import opened, words

PAGE = "pages/7_Methods.py"
KNOWN = {name: [p for p in points if p.label != NEW] for name, points in PRESETS.items()}


def button(test, label):
    return next(each for each in test.button if each.label == label)


def margin(text):
    return float(re.search(r"margin ([\d.]+) wide", text)[1])


def widest_gap(points):
    """The largest distance between two parallel lines that separate the classes, by search."""
    angles = np.linspace(0, 2 * np.pi, 20_000)
    normals = np.stack([np.cos(angles), np.sin(angles)])
    squares, circles = (
        places_of([p for p in points if p.label == label]) @ normals for label in reversed(CLASSES)
    )
    return float((squares.min(axis=0) - circles.max(axis=0)).max())


@pytest.mark.parametrize("kind", [OF_RUNS, TEXTBOOK])
def test_with_a_large_C_the_margin_is_the_widest_there_is(kind):
    border = train_border(PRESETS[APART], 1000, kind)
    assert border.width == pytest.approx(widest_gap(KNOWN[APART]), rel=1e-3)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("C", Cs)
def test_margin_and_support_vectors_are_those_of_scikit_learn(preset, C):
    known = KNOWN[preset]
    places, labels = places_of(known), [point.label for point in known]
    svc = SVC(kernel="linear", C=C, tol=1e-8).fit(places, labels)
    textbook = train_border(PRESETS[preset], C, TEXTBOOK)
    assert textbook.width == pytest.approx(2 / np.linalg.norm(svc.coef_), rel=1e-3)
    supports = [i for i, point in enumerate(known) if is_support(textbook, point)]
    assert set(svc.support_) <= set(supports)
    linear = LinearSVC(C=C, tol=1e-9, max_iter=1_000_000, random_state=0).fit(places, labels)
    of_runs = train_border(PRESETS[preset], C, OF_RUNS)
    np.testing.assert_allclose(of_runs.weights, linear.coef_[0], atol=1e-3)
    assert of_runs.bias == pytest.approx(linear.intercept_[0], abs=1e-3)


@given(st.floats(-180, 180), st.floats(-5, 5))
def test_no_border_of_ones_own_is_further_from_the_points_than_the_best(degrees, shift):
    points = KNOWN[APART]
    best = train_border(points, 1000, TEXTBOOK)
    own = turned(best, places_of(points), degrees, shift)
    nearest = margins(best, points).min() / np.linalg.norm(best.weights)
    assert np.linalg.norm(own.weights) == pytest.approx(1)
    assert margins(own, points).min() <= nearest + 1e-3


def test_an_unturned_border_is_the_best_one():
    best = train_border(PRESETS[OVERLAPPING], 1, OF_RUNS)
    own = turned(best, places_of(KNOWN[OVERLAPPING]), 0, 0)
    places = places_of(PRESETS[OVERLAPPING])
    np.testing.assert_allclose(own.distances(places), best.distances(places), atol=1e-9)


def test_the_ends_of_a_line_have_its_value():
    border = train_border(PRESETS[APART], 1, OF_RUNS)
    for level in (-1, 0, 1):
        np.testing.assert_allclose(border.values(border.ends(level)), level, atol=1e-9)


@pytest.mark.slow
def test_a_point_is_added_moved_and_deleted_by_keyboard():
    test = opened(PAGE, **{"svm-kind": TEXTBOOK})
    assert not test.exception
    before = margin(words(test))
    assert before == pytest.approx(widest_gap(KNOWN[APART]), abs=0.01)
    test.number_input(key="methods x").set_value(-0.5)
    button(test, "Add point").click().run()
    added = [*KNOWN[APART], Point(-0.5, 0.0, "circle")]
    assert margin(words(test)) == pytest.approx(widest_gap(added), abs=0.01)
    along = next(each for each in test.slider if each.label == "Move along feature 1")
    assert along.value == -0.5  # the new point is selected
    along.set_value(-5.0).run()
    assert margin(words(test)) == pytest.approx(before, abs=0.01)
    button(test, "Delete point").click().run()
    assert not test.exception
    assert "0 of 12 points" in words(test)


@pytest.mark.slow
def test_new_images_get_a_label_from_each_border():
    text = words(opened(PAGE))
    assert "new image at (0.5, -2.5) is a square for the SVM, and a circle for your border" in text


@pytest.mark.slow
def test_one_class_alone_has_no_border(monkeypatch):
    monkeypatch.setitem(linear_svm.PRESETS, APART, [Point(0.0, 0.0, "circle")])
    test = opened(PAGE)
    assert not test.exception
    assert "Add a point of the other class" in words(test)


@pytest.mark.browser
@pytest.mark.timeout(180)
def test_a_click_on_the_figure_adds_a_point_and_the_margin_moves(browser, server, monkeypatch):
    from playwright.sync_api import expect

    monkeypatch.setenv(CACHE_VARIABLE, str(server.cache))
    page = browser.new_page(viewport={"width": 1280, "height": 2000})
    page.set_default_timeout(60_000)
    page.goto(f"{server.address}/Methods?svm-kind=textbook")
    said = page.get_by_text(re.compile(r"margin [\d.]+ wide"))
    expect(said).to_contain_text("0 of 12 points", timeout=60_000)
    before = margin(said.inner_text())
    settle(page)
    figure = page.locator("[data-testid=stVegaLiteChart] svg.marks").first
    box = figure.bounding_box()
    # Between the classes, as a circle.
    figure.click(position={"x": 0.53 * box["width"], "y": 0.4 * box["height"]})
    expect(said).to_contain_text("of 13 points", timeout=60_000)
    assert margin(said.inner_text()) < before
    settle(page)
    figure.get_by_label("square at (4, 2)", exact=True).click()
    expect(page.get_by_role("combobox", name="Selected point")).to_have_value(
        re.compile("square at")
    )
    page.close()
