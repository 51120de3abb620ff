"""Which of two classes a finding is, the one that sensitivity speaks of."""

import re
from collections.abc import Sequence

from medrecog_core.errors import UsageError

_NEGATIONS = {"no", "non", "not", "without"}
_WITHOUT_FINDING = {
    *("benign", "control", "controls", "healthy", "negative", "normal"),
    *("naevi", "naevus", "nevi", "nevus", "none", "unaffected", "uninfected"),
}


def choose_positive_class(classes: Sequence[str], chosen: str | None = None) -> str | None:
    """Return the positive one of two classes, None where there are not two.

    Where nothing is chosen, it is the class that is not named as being without a finding
    (“normal”, “healthy”, “negative”, “benign”, “no finding” and the like); where both or neither
    is so named, the second.

    Parameters
    ----------
    classes
        Sorted labels.
    chosen
        The user's choice.

    Raises
    ------
    UsageError
        If the chosen one is not among the classes.
    """
    if chosen is not None and chosen not in classes:
        raise UsageError(
            f"The positive class “{chosen}” is none of the classes: choose among "
            f"{', '.join(classes)}."
        )
    if len(classes) != 2:
        return None
    if chosen is not None:
        return chosen
    first, second = classes
    return first if _is_without_finding(second) and not _is_without_finding(first) else second


def _is_without_finding(label: str) -> bool:
    words = set(re.findall(r"[^\W\d_]+", label.casefold()))
    return bool(words & _NEGATIONS) != bool(words & _WITHOUT_FINDING)
