"""A finding: one thing of a data set that flatters or spoils results."""

from dataclasses import dataclass

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
        What is to be said of each image, in the same order; empty where nothing is.
    sets
        Images that belong together, such as copies of one file.
    to_exclude
        Paths that excluding the finding excludes.
    rule
        In words, which these are.
    """

    kind: str
    severity: str
    title: str
    words: str
    images: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    to_exclude: tuple[str, ...] = ()
    rule: str = ""
