"""What the columns of a table are: image, label, group, split, rater."""

from dataclasses import dataclass

SINGLE, ONE_HOT, FINDINGS = "single", "one-hot", "findings"
"""How labels are written: one column; one column a class with exactly one 1 in a row; one column a
finding with 0, 1, -1 or nothing, any number of which may be 1."""


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns and why they are thought to be that.

    Attributes
    ----------
    image
        Column that names the image.
    labels
        Column with the label, or several with a class or finding each; empty where there is none.
    kind
        `SINGLE`, `ONE_HOT` or `FINDINGS`.
    groups
        Every column that looks like a patient, lesion or other group, in the table's order; only
        the chosen one where one was chosen.
    split
        Column with the split or the fold; empty where there is none.
    rater
        Column with who gave the label; empty where there is none.
    reasons
        In words, why each of them.
    """

    image: str
    labels: tuple[str, ...] = ()
    kind: str = SINGLE
    groups: tuple[str, ...] = ()
    split: str = ""
    rater: str = ""
    reasons: tuple[str, ...] = ()
