"""The settings of runs in words, and which of them differ."""

from collections.abc import Sequence
from typing import Any

from medrecog_core.classification import HYPER_PARAMETERS
from medrecog_core.networks.engines import ENGINES
from medrecog_core.runs.record import RunRecord
from medrecog_core.runs.run import Run

_ASKED = {
    "dataset": "data set",
    "sample": "sample",
    "network": "network",
    "layers": "layers",
    "scales": "scales",
    "poolings": "poolings",
    "fuse": "fusions",
    "preprocessing": "preprocessing",
    "protocol": "protocol",
    "n_folds": "folds",
    "n_repeats": "repeats",
    "keep_groups": "groups kept whole",
    "normalisation": "normalisation",
    "n_components": "components",
    "n_words": "words of a codebook",
    "classifier": "classifier",
    "class_weight": "class weight",
    "seed": "seed",
}
_LEFT_OPEN = {"sample": "all images", "n_words": "as usual", "fuse": "none"}
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
    """Return every setting of a run, from its name to its value in words."""
    specification, record = run.specification(), run.record()
    asked = specification.to_document() | {"classifier": specification.trained_classifier.title}
    settings = {}
    for field, name in _ASKED.items():
        settings[name] = _told(field, asked[field])
        if field == "classifier":
            settings |= {each: _told(each, asked.get(each)) for each in HYPER_PARAMETERS}
    if record is None:
        return settings | {
            "precision": specification.precision,
            **dict.fromkeys(("engine", "weights", "rendering", "split", "images"), "unknown"),
            **dict.fromkeys(("fingerprint of the data set", "medrecog"), "unknown"),
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


def engine_title(record: RunRecord) -> str:
    """Return what computed the features of a run, for people."""
    name = record.engine
    return ENGINES[name].title if name in ENGINES else name or "none (cached features)"


def engine_words(record: RunRecord) -> str:
    """Return what computed the features of a run, and why that did."""
    why = record.engine_choice
    return engine_title(record) + (f" ({why})" if why else "")


def _told(field: str, value: Any) -> str:
    if value is None or value == []:
        return _LEFT_OPEN.get(field, "not used")
    values = value if isinstance(value, list) else [value]
    return ", ".join(_word(each) for each in values)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
