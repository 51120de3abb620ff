"""Model card as Markdown."""

import re
import time
from collections.abc import Callable, Iterable, Sequence

from medrecog_core.classification import DecisionThreshold, Estimate
from medrecog_core.classification.calibration import BARE, SHARES
from medrecog_core.classification.differences import Difference
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.errors import MedrecogError
from medrecog_core.images import PLAIN, preprocessing_of_version
from medrecog_core.models.model import ALL, CalibrationReport, ModelCard, what_is_kept
from medrecog_core.models.outside_test import OutsideTest
from medrecog_core.networks import find_network
from medrecog_core.wording import RESEARCH_ONLY, counted

MEASURE_TITLES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}


def escape(text: str) -> str:
    """Return Markdown that is displayed as this text, within a line."""
    return re.sub(r"([\\`*_{}\[\]<>#!|~&$])", r"\\\1", " ".join(text.split()))


def card_markdown(
    card: ModelCard,
    literal: Callable[[str], str] = escape,
    tests: Sequence[OutsideTest] = (),
) -> str:
    """Return a card as Markdown.

    Parameters
    ----------
    card
        The card.
    literal
        Function that escapes names, and sentences with names.
    tests
        Tests of the model on other data sets.
    """
    return "\n".join(_lines(card, literal, tests))


def describe_test(test: OutsideTest) -> str:
    """Return a sentence on the accuracy on another data set and how it differs from the own."""
    accuracy = test.of("accuracy")
    told = (
        f"Accuracy {accuracy.value:.3f} (95 % CI {accuracy.low:.3f} to {accuracy.high:.3f}) on "
        f"{_images(test.n_images, test.n_units)} of {test.dataset}"
    )
    found = test.differences.get("accuracy")
    if found is None:
        return f"{told}; the result on its own test images is not known."
    return f"{told}, {describe_difference(found)}."


def describe_difference(found: Difference) -> str:
    """Return in words how a test differs from the model's own."""
    p_value = f"p = {found.p_value:.3f}" if found.p_value >= 0.001 else "p < 0.001"
    return (
        f"{found.value:+.3f} (95 % CI {found.low:+.3f} to {found.high:+.3f}, {p_value}) compared "
        "with its own test images"
    )


def limits(card: ModelCard) -> list[str]:
    """Return the limits of a model, as sentences."""
    told = []
    if card.synthetic:
        told.append("It was trained on synthetic images and is not valid for real ones.")
    if card.sample:
        told.append(f"Its results are based on {card.sample}.")
    if card.n_leaking_groups:
        told.append(describe_leak(card.n_leaking_groups))
    if card.small_test:
        told.append(card.small_test)
    if card.trained_on == ALL:
        told.append(
            "It was also trained on the test images. The results are those of the classifiers of "
            "its run, which were not, since no images are left to test this model on."
        )
    told.append(
        "The results apply to similar images. They may differ for other devices, hospitals or "
        "populations."
    )
    if kept := what_is_kept(card):
        told.append(kept)
    told += card.missing
    return told


def describe_calibration(calibration: CalibrationReport) -> str:
    """Return a sentence on how probabilities were fitted."""
    way = {
        SHARES: "are the class frequencies, because the scores do not improve on them",
        BARE: "are the softmax of the scores, because calibration does not improve on it",
    }.get(calibration.kind, "were fitted by minimising the log loss")
    return (
        f"Probabilities {way} (log loss {calibration.log_loss_before:.3f} before and "
        f"{calibration.log_loss_after:.3f} after, cross-fitted on "
        f"{counted(calibration.n_images, 'held-out image')})."
    )


def describe_threshold(threshold: DecisionThreshold) -> str:
    """Return a sentence on the decision threshold."""
    return (
        "The label and the results above use the highest score. With the decision threshold, an "
        f"image counts as {threshold.positive} if its score is at least "
        f"{threshold.threshold:+.3f}; chosen for {threshold.aim} on "
        f"{counted(threshold.n_images, 'held-out image')}, with sensitivity "
        f"{threshold.sensitivity:.3f} and specificity {threshold.specificity:.3f}."
    )


def _lines(
    card: ModelCard, literal: Callable[[str], str], tests: Sequence[OutsideTest]
) -> Iterable[str]:
    network = find_network(card.network)
    yield f"# {literal(card.name)}"
    title = card.trained_classifier.title
    kind = f"{title[0].upper()}{title[1:]}"
    yield f"\n**{RESEARCH_ONLY}** {kind} on features of {network.title} (frozen).\n"
    yield "## Data\n"
    yield f"- data set: {literal(card.dataset)}{' (synthetic images)' if card.synthetic else ''}"
    if card.fingerprint:
        yield f"- fingerprint: {_code(card.fingerprint)}"
    yield f"- classes: {', '.join(map(literal, card.classes))}" + (
        f"; positive: {literal(card.positive)}" if card.positive else ""
    )
    if card.n_learnt:
        learnt = _images(card.n_learnt, card.n_learnt_groups)
        yield f"- trained on {learnt} ({literal(card.trained_on)})"
    yield f"- run: {literal(card.run)}; split: {literal(card.split or 'not recorded')}"
    yield "\n## Results\n"
    tested = _images(card.n_test, card.n_test_groups or card.n_test)
    yield (
        f"Results of the run's cell on {tested} that it was not trained on, with 95 % confidence "
        "intervals.\n"
    )
    estimates = card.estimates or (_accuracy(card),)
    # With repeated folds, an image is predicted several times.
    is_repeated = max(each.n_images for each in estimates) > card.n_test
    yield f"| measure | value | 95 % CI | {'predictions' if is_repeated else 'images'} |"
    yield "|---|---|---|---|"
    for each in estimates:
        yield (
            f"| {MEASURE_TITLES[each.measure]} | {each.value:.3f} | {each.low:.3f} to "
            f"{each.high:.3f} | {each.n_images:,} |"
        )
    if card.calibration is not None:
        yield f"\n{describe_calibration(card.calibration)}"
    if card.threshold is not None:
        yield f"\n{literal(describe_threshold(card.threshold))}"
    if tests:
        yield "\n## Results on other data sets\n"
        for test in tests:
            yield f"- {literal(describe_test(test))}"
            yield from (f"  - {literal(sentence)}" for sentence in test.warnings)
    yield "\n## Features\n"
    yield (
        f"- {literal(card.cell.layer)} at {card.cell.scale} px, {literal(card.cell.pooling)} "
        f"pooling; normalisation {literal(card.normalisation)}"
    )
    if card.rendering != PLAIN:
        yield f"- rendering: {literal(card.rendering.title)}"
    yield f"- weights: {literal(card.weights_title)} ({_code(card.source.weights)})"
    yield f"- preprocessing: {_preprocessing(card)}; precision: {literal(card.source.precision)}"
    parameter = card.trained_classifier.parameter
    yield (
        f"- {title}: {parameter.name} = {parameter.word(card.parameter_value)}, class weight "
        f"{literal(card.class_weight)}, seed {card.seed}"
    )
    yield "\n## Limits\n"
    yield from (f"- {literal(sentence)}" for sentence in limits(card))
    yield "\n## Versions\n"
    made = time.strftime("%Y-%m-%d", time.gmtime(card.created))
    versions = ", ".join(
        f"{literal(name)} {literal(version)}" for name, version in card.versions.items()
    )
    yield f"{made}" + (f", with {versions}." if versions else ".")


def _images(n_images: int, n_groups: int) -> str:
    grouped = f" in {counted(n_groups, 'group')}" if n_groups < n_images else ""
    return counted(n_images, "image") + grouped


def _accuracy(card: ModelCard) -> Estimate:
    low, high = card.accuracy_interval
    return Estimate("accuracy", card.accuracy, low, high, "wilson", card.n_test, card.n_test)


def _code(name: str) -> str:
    """Return a name as code, without characters that could end it."""
    return f"`{re.sub(r'[^ -_a-~]', '?', name)}`"


def _preprocessing(card: ModelCard) -> str:
    version = card.source.preprocessing
    try:
        return f"{preprocessing_of_version(version).title} ({_code(version)})"
    except MedrecogError:
        return f"{_code(version)}, which this version does not support"
