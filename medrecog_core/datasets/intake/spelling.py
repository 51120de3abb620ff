"""Spellings of class names, and words that mean a missing label."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache

# A comma before three digits may part thousands, so such a text is no number.
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{0,30}|,(?!\d{3}$)\d{0,30})?", re.ASCII)
_WIDTHS = ("<wide>", "<narrow>", "<noBreak>")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
# A hyphen between words is a separator; a minus sign before a number is not.
_SEPARATORS = re.compile(r"(?<=\w)(?:[\s_]*-[\s_]+(?=\w)|-(?=\w)|[\s_]+(?=\w))|\s+")

_MISSING = frozenset(
    (
        *("", "nan", "n/a", "na", "n.a", "n.a.", "#n/a", "<na>", "nat", "null", "nil", "?", "."),
        *("missing", "not available", "unlabelled", "unlabeled", "not labelled", "not labeled"),
        *("no label", "without label", "undefined", "#n/v", "#null!"),
    )
)
_DASHES = frozenset(("-", "--", "---"))
_SIGNS = frozenset(("+", "++", "+++"))
_DOUBTFUL = frozenset(("none", "unknown", "unk"))

DOUBTFUL_SHARE = 0.1
"""Words such as `None` mean a missing label where fewer of the labels than this are such words."""


@lru_cache(maxsize=4096)
def spelling_key(name: str) -> str:
    """Return what the spellings of one name have in common.

    Spellings differ in case, in spaces, `_` and `-` between words, in the Unicode form (composed
    or not, full-width letters, no-break spaces), in characters that do not show; or they are
    numbers of one value, such as `1`, `1.0` and `01`.
    """
    value = number_of(name)
    if value is not None:
        return f"{value.normalize():f}" if value else "0"
    visible = name.translate(_INVISIBLE)
    plain = "".join(
        unicodedata.normalize("NFKC", character)
        if unicodedata.decomposition(character).startswith(_WIDTHS)
        else character
        for character in visible
    )
    dashed = "".join("-" if unicodedata.category(c) == "Pd" else c for c in plain)
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", dashed).casefold())
    key = _SEPARATORS.sub(" ", folded).strip()
    # A full-width number, for example.
    return key if number_of(key) is None else spelling_key(key)


def number_of(name: str) -> Decimal | None:
    """Return a name as a number, with a decimal point or comma; None if it is not a number."""
    text = name.strip()
    return Decimal(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None


def merged_spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Map each name to the most frequent spelling of it, the first in order where several are.

    Parameters
    ----------
    counts
        From name to the number of its images.
    """
    spellings: dict[str, list[str]] = {}
    for name in sorted(counts):
        spellings.setdefault(spelling_key(name), []).append(name)
    return {
        name: max(names, key=lambda each: counts[each])
        for names in spellings.values()
        for name in names
    }


def missing_words(words: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the labels that mean a missing label.

    `nan`, `N/A`, `?`, an empty one and their like always do; a dash does where no label is a plus
    sign; `None` and `unknown` do where fewer than a tenth of the labels are such words and no other
    label is as rare, since they can be the name of a class.

    Parameters
    ----------
    words
        Every label, repeated as often as it occurs.

    Returns
    -------
    missing
        Those that mean a missing label.
    doubtful
        Those that can mean one and are taken as a class.
    """
    counts = Counter(words)
    key_of = {word: " ".join(word.casefold().split()) for word in counts}
    sure = _MISSING if _SIGNS & set(key_of.values()) else _MISSING | _DASHES
    missing = {word for word, key in key_of.items() if key in sure}
    doubtful = {word for word, key in key_of.items() if key in _DOUBTFUL}
    if doubtful:
        n_doubtful = sum(counts[word] for word in doubtful)
        others = [counts[word] for word in counts if word not in missing | doubtful]
        is_rare = n_doubtful < DOUBTFUL_SHARE * (n_doubtful + sum(others))
        if is_rare and n_doubtful < min(others):
            return frozenset(missing | doubtful), frozenset()
    return frozenset(missing), frozenset(doubtful)
