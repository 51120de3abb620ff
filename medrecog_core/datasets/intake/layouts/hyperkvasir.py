"""HyperKvasir: labelled images in `tract/kind/class`, and images without labels."""

from dataclasses import replace

from medrecog_core.datasets.dataset import DatasetWarning, LeftOut
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folders import read_folders
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.layouts.layout import Layout
from medrecog_core.datasets.intake.survey import Survey

_TRACTS = frozenset({"lower-gi-tract", "upper-gi-tract"})
_UNLABELLED = "unlabeled-images"


def _is_labelled(path: str) -> bool:
    return not _TRACTS.isdisjoint(path.split("/")[:-2])


def _read(survey: Survey, decisions: Decisions) -> Interpretation:
    labelled = tuple(path for path in survey.images if _is_labelled(path))
    others = [path for path in survey.images if not _is_labelled(path)]
    unlabelled = tuple(path for path in others if _UNLABELLED in path.split("/"))
    stray = tuple(path for path in others if _UNLABELLED not in path.split("/"))
    found = read_folders(replace(survey, images=labelled), replace(decisions, class_level=-1))[0]
    warnings = []
    if stray:
        warnings.append(
            DatasetWarning(
                "outside-classes",
                f"{len(stray):,} images not imported, because they are not in the folder of "
                "either tract. Use --class-level to choose other folders.",
                stray,
            )
        )
    return replace(
        found.with_images(
            found.images,
            left_out=tuple(LeftOut(path, "in the folder of neither tract") for path in stray),
            warnings=tuple(warnings),
            unlabelled=unlabelled,
        ),
        layout=f"HyperKvasir, {found.layout}; the files do not name patients",
        reasons=("The class is the innermost folder, as HyperKvasir has it.",),
    )


HYPERKVASIR = Layout(
    "HyperKvasir", lambda survey: any(_is_labelled(path) for path in survey.images), _read
)
