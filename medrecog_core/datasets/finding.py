"""A finding: one thing of a data set that makes results too good, or worthless."""

from dataclasses import dataclass, replace

from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.remedy import Advice, Remedy, reason_against

SEVERITIES = ("severe", "warning", "note")
"""From what makes results wrong to what one should know."""


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found in a data set.

    Attributes
    ----------
    kind
        Its name on the command line, such as `duplicates-across-splits`.
    severity
        One of `SEVERITIES`.
    title, words
        What was found, and what it means, for people.
    images
        Paths of all the images concerned, sorted.
    notes
        A remark on each image, in the same order; empty where there is none.
    sets
        Images that belong together, such as copies of one file.
    files
        Other files, and rows of tables, that the finding is about.
    remedy
        What makes it disappear; None where nothing can, or must not.
    refusal
        Why its remedy is not offered, as a sentence; empty where it is, or there is none.
    advice
        What else can be done, by hand.
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
        """Return it without its remedy, and with the reason, if that would spoil the data set."""
        reason = self.remedy and reason_against(dataset, self.remedy)
        if not (self.remedy and reason):
            return self
        label = self.remedy.label
        refusal = f"“{label}” is not offered, because {reason}."
        return replace(self, remedy=None, refusal=refusal)
