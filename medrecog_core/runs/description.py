"""Runs in words: their settings, which of them differ, and what limits their results."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from medrecog_core.classification import HYPER_PARAMETERS
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.features import POOLINGS
from medrecog_core.images import find_preprocessing
from medrecog_core.networks import find_network
from medrecog_core.networks.engines import ENGINES
from medrecog_core.runs.record import RunRecord
from medrecog_core.runs.run import Run
from medrecog_core.wording import counted

_ASKED = {
    "dataset": "data set",
    "sample": "sample",
    "network": "network",
    "layers": "layers",
    "scales": "input sizes",
    "poolings": "poolings",
    "fuse": "fusions",
    "preprocessing": "preprocessing",
    "views": "views",
    "protocol": "protocol",
    "n_folds": "folds",
    "n_repeats": "repeats",
    "keep_groups": "groups kept whole",
    "normalisation": "normalisation",
    "n_components": "components",
    "n_words": "codebook size",
    "classifier": "classifier",
    "class_weight": "class weight",
    "seed": "seed",
}
_LEFT_OPEN = {"sample": "all images", "n_words": "default", "fuse": "none"}
_NOT_USED = "not used"
_UNKNOWN = "unknown"
_SAID_BY_SPLIT = ("protocol", "folds", "repeats", "groups kept whole")
_SHORT_FINGERPRINT = 12


def differing_settings(
    runs: Sequence[Run],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the settings that are not the same in all runs.

    Besides what was asked for, these are the weights, the precision, the version of medrecog and
    the data set as they were found when a run was carried out.

    Returns
    -------
    names
        Of the settings, as people call them.
    values
        For each run its values of those, in words.

    Raises
    ------
    StorageError
        If a run's folder is damaged.
    """
    told = [run_settings(run) for run in runs]
    names = tuple(name for name in told[0] if len({of_run[name] for of_run in told}) > 1)
    return names, [tuple(of_run[name] for name in names) for of_run in told]


def run_settings(run: Run) -> dict[str, str]:
    """Return every setting of a run, from its name to its value in short words."""
    specification, record = run.specification(), run.record()
    asked = specification.to_document() | {
        "classifier": specification.trained_classifier.title,
        "views": specification.views,
    }
    settings = {}
    for field, name in _ASKED.items():
        settings[name] = _told(field, asked[field])
        if field == "classifier":
            settings |= {each: _told(each, asked.get(each)) for each in HYPER_PARAMETERS}
    if record is None:
        return settings | {
            "precision": specification.precision,
            **dict.fromkeys(("engine", "weights", "rendering", "split", "images"), _UNKNOWN),
            **dict.fromkeys(("fingerprint of the data set", "medrecog"), _UNKNOWN),
        }
    return settings | {
        "precision": record.precision,
        "engine": engine_title(record),
        "weights": f"{record.weights.title} ({record.weights.identity})",
        "rendering": record.rendering.title,
        "split": record.split.kind,
        "images": str(record.n_images),
        "fingerprint of the data set": record.dataset.fingerprint[:_SHORT_FINGERPRINT],
        "medrecog": record.medrecog,
    }


def used_settings(run: Run) -> dict[str, str]:
    """Return the settings that had an effect on a run, from their names to full words.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    asked, record, settings = run.specification(), run.record(), run_settings(run)
    unused = {
        _ASKED[field] for field, value in _LEFT_OPEN.items() if settings[_ASKED[field]] == value
    }
    unused |= {name for name, value in settings.items() if value in ("", _NOT_USED, _UNKNOWN)}
    unused |= {"components", "views"}  # said with the normalisation and the preprocessing
    classifier, values = asked.trained_classifier, asked.parameter_values
    settings["network"] = find_network(asked.network).title
    settings["poolings"] = ", ".join(POOLINGS[name].title for name in asked.poolings)
    settings["fusions"] = ", ".join(fusion.name for fusion in asked.fusions)
    settings["preprocessing"] = find_preprocessing(asked.preprocessing, asked.views).title
    settings["classifier"] = f"{classifier.title} ({classifier.description})"
    if len(values) > 1:
        settings[classifier.parameter.name] += (
            " (the best chosen by cross-validation on the training images)"
        )
    if asked.normalisation.startswith("pca"):
        settings["normalisation"] += f", {asked.n_components} components"
    if record is not None:
        unused.update(_SAID_BY_SPLIT)
        settings["sample"] = record.sample or settings["sample"]
        settings["engine"] = engine_words(record)
        if changed := label_changes(record):
            settings["labels"] = changed
        if record.device is not None:
            settings["processor or GPU"] = record.device.name
    return {name: value for name, value in settings.items() if name not in unused}


class Reservation(StrEnum):
    """Kinds of what limits the results of a run."""

    SYNTHETIC = "synthetic"
    SAMPLE = "sample"
    LEAKAGE = "leakage"
    SMALL_TEST = "small_test"
    SKIPPED = "skipped"
    WEIGHTS = "weights"


DATA_RESERVATIONS = (
    Reservation.SYNTHETIC,
    Reservation.SAMPLE,
    Reservation.LEAKAGE,
    Reservation.SMALL_TEST,
)
"""Those that no list of skipped images and no title of the weights says."""


def reservations(run: Run) -> dict[Reservation, str]:
    """Return what limits the results of a run, a sentence for each kind that applies.

    Raises
    ------
    StorageError
        If the run has no record yet, or its folder is damaged.
    """
    record, small = run.needed_record(), run.small_test()
    dataset, n_leaking, title = record.dataset, record.split.n_leaking_groups, record.weights.title
    n_skipped = counted(len(record.skipped), "image")
    found = {}
    if dataset.synthetic:
        found[Reservation.SYNTHETIC] = f"The data set “{dataset.name}” is {dataset.layout}."
    if record.sample:
        found[Reservation.SAMPLE] = f"These results are based on {record.sample}."
    if n_leaking:
        found[Reservation.LEAKAGE] = describe_leak(n_leaking)
    if small is not None:
        found[Reservation.SMALL_TEST] = small.words
    if record.skipped:
        found[Reservation.SKIPPED] = f"Skipped because unreadable: {n_skipped}."
    if "official" not in title:
        found[Reservation.WEIGHTS] = f"The weights are not the official Keras weights ({title})."
    return found


def engine_title(record: RunRecord) -> str:
    """Return what computed the features of a run, for people."""
    name = record.engine
    return ENGINES[name].title if name in ENGINES else name or "none (cached features)"


def engine_words(record: RunRecord) -> str:
    """Return what computed the features of a run, and why that did."""
    why = record.engine_choice
    return engine_title(record) + (f" ({why})" if why else "")


def label_changes(record: RunRecord) -> str:
    """Return what people changed about labels after the import, in words; empty if nothing."""
    n_new, n_excluded = len(record.dataset.relabelled), record.dataset.n_label_errors
    told = [f"{counted(n_new, 'image')} relabelled"] if n_new else []
    if n_excluded:
        told.append(f"{counted(n_excluded, 'image')} with doubtful labels excluded")
    return ", ".join(told)


def _told(field: str, value: Any) -> str:
    if value is None or value == []:
        return _LEFT_OPEN.get(field, _NOT_USED)
    values = value if isinstance(value, list) else [value]
    return ", ".join(_word(each) for each in values)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
