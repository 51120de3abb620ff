"""A finding of the health check: a problem that inflates or degrades results."""

from dataclasses import dataclass, replace

from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.remedy import Advice, Remedy, reason_against

SEVERITIES = ("severe", "warning", "note")
"""From severe problems to notes."""


@dataclass(frozen=True)
class Finding:
    """One kind of problem in a data set.

    Attributes
    ----------
    kind
        Its name on the command line, such as `duplicates-across-splits`.
    severity
        One of `SEVERITIES`.
    title, words
        What was found, and what it means, shown to users.
    images
        Paths of all affected images, sorted.
    notes
        A remark on each image, in the same order; empty if there are none.
    sets
        Sets of images that belong together, such as copies of one file.
    files
        Other affected files and rows of tables.
    remedy
        What makes it disappear; None if nothing can or should.
    refusal
        Why its remedy is not offered; empty if it is, or if there is none.
    advice
        What else users can do.
    """

    kind: str
    severity: str
    title: str
    words: str
    images: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    files: tuple[str, ...] = ()
    remedy: Remedy | None = None
    refusal: str = ""
    advice: tuple[Advice, ...] = ()

    @property
    def to_exclude(self) -> tuple[str, ...]:
        """Paths of the images that its remedy excludes."""
        return self.remedy.images if self.remedy else ()

    def guarded(self, dataset: Dataset) -> "Finding":
        """Return it without its remedy, but with the reason, if that would damage the data set."""
        reason = self.remedy and reason_against(dataset, self.remedy)
        if not (self.remedy and reason):
            return self
        label = self.remedy.label
        refusal = f"“{label}” is not offered, because {reason}."
        return replace(self, remedy=None, refusal=refusal)
