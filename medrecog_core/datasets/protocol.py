"""Protocol: how a data set is split into training and test images."""

from dataclasses import dataclass

from medrecog_core.errors import UsageError

PROTOCOLS = ("auto", "given", "given-folds", "hold-out", "k-fold", "leave-one-group-out")
MAX_FOLDS = 100
MAX_REPEATS = 100


@dataclass(frozen=True)
class Protocol:
    """A protocol for choosing training and test images.

    Attributes
    ----------
    kind
        `given`: the data set's own split; `given-folds`: each of the data set's own folds is tested
        by a classifier trained on the others; `hold-out`: a stratified quarter is tested; `k-fold`:
        every image is tested once; `leave-one-group-out`: every group is tested by a classifier
        trained on all others; `auto`: given if the data set has a split, otherwise given-folds if
        it has folds, otherwise hold-out.
    n_folds
        Number of folds of k-fold.
    n_repeats
        Number of repeats of k-fold, each with different folds.
    keep_groups
        Whether images of one group (patient, lesion) stay on one side of hold-out and k-fold.
        Otherwise the results are too optimistic; such splits are for measuring leakage.
    seed
        Random seed of hold-out and k-fold.

    Raises
    ------
    UsageError
        If the protocol is unknown, or a number is out of range.
    """

    kind: str = "auto"
    n_folds: int = 5
    n_repeats: int = 1
    keep_groups: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in PROTOCOLS:
            raise UsageError(f"Unknown protocol “{self.kind}”. Available: {', '.join(PROTOCOLS)}.")
        if not 2 <= self.n_folds <= MAX_FOLDS:
            raise UsageError(
                f"{self.n_folds} is not a valid number of folds. Choose 2 to {MAX_FOLDS}."
            )
        if not 1 <= self.n_repeats <= MAX_REPEATS:
            raise UsageError(
                f"{self.n_repeats} is not a valid number of repeats. Choose 1 to {MAX_REPEATS}."
            )
