"""From a folder and decisions to a proposal: the data set, why, and what else it could be."""

from dataclasses import dataclass, replace
from pathlib import Path

from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.files import HashReport, ignore
from medrecog_core.datasets.intake.classes import choose_classes, small_classes
from medrecog_core.datasets.intake.companions import version_warnings, without_companions
from medrecog_core.datasets.intake.copies import without_copies
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.groups import with_groups
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.pixels import with_rendering
from medrecog_core.datasets.intake.source import interpretations
from medrecog_core.datasets.intake.splits import with_splits
from medrecog_core.datasets.intake.survey import survey_folder


@dataclass(frozen=True)
class Proposal:
    """Result that an import of a folder would have.

    Attributes
    ----------
    dataset
        The data set; the state of its files is known only if all were scanned.
    reasons
        Evidence for this interpretation.
    alternatives
        Other interpretations, the likelier first; their decisions lead to them.
    decisions
        Decisions that lead to this interpretation and no other.
    """

    dataset: Dataset
    reasons: tuple[str, ...]
    alternatives: tuple[Interpretation, ...]
    decisions: Decisions = BY_EVIDENCE


def propose(
    name: str,
    root: Path,
    decisions: Decisions = BY_EVIDENCE,
    at_most: int | None = None,
    report: HashReport = ignore,
) -> Proposal:
    """Return the data set of a folder's files, without storing anything.

    Parameters
    ----------
    name
        Name of the data set.
    root
        The folder, absolute.
    decisions
        Decisions made already.
    at_most
        Number of files whose pixels are read, for a preview; None for all.
    report
        Is told how far looking at the files is.

    Raises
    ------
    AmbiguousError
        If two interpretations explain the images about equally.
    MedrecogError
        If the folder has no images with labels, or a table or tag cannot be read.
    """
    survey = without_companions(survey_folder(root), decisions)
    first, *others = interpretations(survey, decisions)
    found = choose_classes(first, decisions)
    found = with_groups(root, found, decisions)
    found = with_splits(found, decisions)
    found = without_copies(root, found, decisions)
    more = (*small_classes(found.images), *version_warnings(found.images))
    found = replace(found, warnings=(*found.warnings, *more))
    found, rendering = with_rendering(root, found, decisions, at_most, report)
    dataset = Dataset(
        name,
        root,
        found.images,
        found.layout,
        left_out=(*survey.left_out, *found.left_out),
        rendering=rendering,
        warnings=(*survey.warnings, *found.warnings),
        unlabelled=found.unlabelled,
        metadata=found.metadata,
    )
    return Proposal(dataset, found.reasons, tuple(others), first.decisions)
