"""How a data set is to be split, said before its images are known."""

from dataclasses import dataclass

from medrecog_core.errors import UsageError

PROTOCOLS = ("auto", "given", "given-folds", "hold-out", "k-fold", "leave-one-group-out")
MAX_FOLDS = 100
MAX_REPEATS = 100


@dataclass(frozen=True)
class Protocol:
    """A way of choosing training and test images.

    Attributes
    ----------
    kind
        `given`: the data set's own train and test; `given-folds`: each of the data set's own folds
        is tested by an SVM that is trained on the others; `hold-out`: a stratified quarter is
        tested; `k-fold`: every image is tested once; `leave-one-group-out`: every group is tested
        by an SVM that learnt from all others; `auto`: given where the data set has both parts,
        else given-folds where it has folds, else hold-out.
    n_folds
        Of k-fold.
    n_repeats
        How often k-fold is done, each time with other folds.
    keep_groups
        Whether images of one group (patient, lesion) stay on one side of hold-out and k-fold. Where
        they don't, results are flattered; such splits are for showing by how much.
    seed
        Of hold-out and k-fold.

    Raises
    ------
    UsageError
        If there is no such protocol, or a number is out of range.
    """

    kind: str = "auto"
    n_folds: int = 5
    n_repeats: int = 1
    keep_groups: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in PROTOCOLS:
            raise UsageError(
                f"There is no protocol “{self.kind}”: choose among {', '.join(PROTOCOLS)}."
            )
        if not 2 <= self.n_folds <= MAX_FOLDS:
            raise UsageError(f"{self.n_folds} folds are not possible: choose 2 to {MAX_FOLDS}.")
        if not 1 <= self.n_repeats <= MAX_REPEATS:
            raise UsageError(
                f"{self.n_repeats} repeats are not possible: choose 1 to {MAX_REPEATS}."
            )
