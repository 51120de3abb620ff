"""Results of a cell by group: one answer a patient or lesion."""

from medrecog_core.classification import ScoredImages
from medrecog_core.classification.scored_groups import mixed_units, score_units
from medrecog_core.errors import MedrecogError
from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.run import Run
from medrecog_core.wording import counted

_N_NAMED = 3


def score_groups(run: Run, result: CellResult, how: str) -> ScoredImages:
    """Return the test groups of a cell with one score a class each.

    An image without a group is a group of its own. An image that is tested several times counts
    with each of its scores.

    Parameters
    ----------
    run, result
        The run and one of its cells.
    how
        One of `medrecog_core.classification.scored_groups.WAYS`.

    Raises
    ------
    UsageError
        If there is no such way.
    MedrecogError
        If no two test images share a group, or a group has images of several classes.
    StorageError
        If the run's folder is damaged.
    """
    tested = run.tested_images()
    groups = [image.group for image in tested if image.group]
    distinct = {(image.group, image.path, image.rendering) for image in tested if image.group}
    if len(distinct) == len(set(groups)):
        raise MedrecogError(
            "No two test images share a group (patient, lesion). Import the data set with groups "
            "to see results by group."
        )
    images = score_images(run, result)
    mixed = mixed_units(images)
    if mixed.size:
        named: dict[str, set[str]] = {}
        for image, unit in zip(tested, images.units, strict=True):
            if unit in mixed:
                named.setdefault(image.group, set()).add(image.label)
        words = [f"{name} ({', '.join(sorted(labels))})" for name, labels in named.items()]
        more = f" and {len(words) - _N_NAMED} more" if len(words) > _N_NAMED else ""
        raise MedrecogError(
            f"{counted(len(words), 'group')} with images of several classes: "
            f"{', '.join(words[:_N_NAMED])}{more}. A group needs one label to have one answer; "
            "exclude these images, or merge the classes."
        )
    return score_units(images, how)
