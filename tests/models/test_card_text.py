from dataclasses import replace

import pytest

from medrecog_core.classification import DecisionThreshold
from medrecog_core.models import (
    ALL,
    CalibrationReport,
    Model,
    card_markdown,
    describe_calibration,
    describe_threshold,
    limits,
)


def test_the_text_has_the_data_the_figures_and_how_images_are_read(model: Model) -> None:
    card = model.card
    text = card_markdown(card)
    assert "**For research, not for diagnosis.**" in text
    for words in (
        card.fingerprint,
        card.source.weights,
        card.weights_title,
        "trained on 9 images (training)",
        "block2 at 224 px, average pooling; normalisation l2",
        f"| accuracy | {card.accuracy:.3f} |",
        "on 3 images that it was not trained on",
        f"medrecog {card.versions['medrecog']}",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"synthetic": True}, "synthetic images"),
        ({"sample": "60 of 240 images"}, "based on 60 of 240 images"),
        ({"n_leaking_groups": 2}, "2 groups have images in both"),
        ({"trained_on": ALL}, "It was also trained on the test images"),
        ({"missing": ("It has no probabilities: why.",)}, "It has no probabilities: why."),
    ],
)
def test_limits_are_told(model: Model, changes, words: str) -> None:
    assert not any(words in sentence for sentence in limits(model.card))
    card = replace(model.card, **changes)
    assert any(words in sentence for sentence in limits(card))
    assert words in card_markdown(card)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("fitted", "were fitted"),
        ("shares", "are the class frequencies, because the scores do not improve on them"),
        ("bare", "are the softmax"),
    ],
)
def test_how_probabilities_were_fitted_is_told(kind: str, words: str) -> None:
    told = describe_calibration(CalibrationReport(kind, 0.5, 0.25, 40))
    assert words in told
    assert "0.500 before and 0.250 after, cross-fitted on 40 held-out images" in told


def test_where_the_line_is_drawn_is_told() -> None:
    told = describe_threshold(DecisionThreshold("ill", "well", -0.2, "sensitivity", 0.9, 0.8, 30))
    assert "an image counts as ill if its score is at least -0.200" in told
    assert "sensitivity 0.900 and specificity 0.800" in told


def test_predictions_of_repeated_folds_are_not_called_images(model: Model) -> None:
    assert "| 95 % CI | images |" in card_markdown(model.card)
    accuracy = replace(model.card.estimates[0], n_images=2 * model.card.n_test)
    text = card_markdown(replace(model.card, estimates=(accuracy,)))
    assert "| 95 % CI | predictions |" in text


def test_a_card_of_the_first_format_has_its_accuracy_and_preprocessing(model: Model) -> None:
    source = replace(model.card.source, preprocessing="squeeze-0")
    text = card_markdown(replace(model.card, estimates=(), versions={}, source=source))
    assert "| accuracy | " in text
    assert "`squeeze-0`, which this version does not support" in text


def test_names_in_it_are_no_markdown(model: Model) -> None:
    card = replace(
        model.card,
        dataset="![x](http://x.org)\n# y",
        classes=("$a$", "**b_c**"),
        fingerprint="0` ![x](y)",
        weights_title="<b>",
    )
    text = card_markdown(card)
    assert r"- data set: \!\[x\](http://x.org) \# y" in text
    assert r"- classes: \$a\$, \*\*b\_c\*\*" in text
    assert "- fingerprint: `0? ![x](y)`" in text
    assert r"- weights: \<b\> (" in text
    assert "- classes: [$a$], [**b_c**]" in card_markdown(card, lambda name: f"[{name}]")
