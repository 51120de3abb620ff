"""Searching runs: words, settings and comparisons, such as `busi C 0.01 accuracy > 0.9`.

Every part of a query must match. A part is a word or a “quoted phrase”, which occurs anywhere in
the text of a run; a setting and its value, such as `seed 7` or `C=0.01`; or a comparison of numbers
with `>`, `>=`, `<`, `<=` or `!=`.
"""

import operator
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_TOKEN = re.compile(
    r'"(?P<phrase>[^"]*)"|(?P<sign>>=|<=|!=|[<>=:])|(?P<word>(?:(?!!=)[^\s"<>=:])+)'
)
_ORDERS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
_MOST_WORDS = 5


@dataclass(frozen=True)
class Searched:
    """What of a run is searched.

    Attributes
    ----------
    text
        Everything that words are looked for in.
    settings
        Values by the name of a setting; several values are separated by commas.
    """

    text: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Term:
    """One part of a query.

    Attributes
    ----------
    words
        As entered, in lower case; they may also occur in the text.
    name, sign, value
        Key of the setting (see `setting_key`), a comparison or `:` for none, and the value; the
        name is empty where words are looked for.
    """

    words: str
    name: str = ""
    sign: str = ":"
    value: str = ""

    def matches(self, text: str, settings: Mapping[str, str]) -> bool:
        """Return whether a run of this text and these settings, in lower case, matches."""
        if self.sign == "!=":
            return self.name in settings and not _is_in(self.value, settings[self.name], "=")
        if self.sign in _ORDERS:
            return self.name in settings and _is_in_order(
                settings[self.name], self.sign, self.value
            )
        is_setting = self.name in settings and _is_in(self.value, settings[self.name], self.sign)
        return is_setting or self.words in text


def parse_query(text: str, names: Collection[str]) -> tuple[Term, ...]:
    """Return the parts of a query; every text is one.

    Parameters
    ----------
    text
        As entered.
    names
        Names of settings. Case, spaces, hyphens and a plural `s` do not matter.
    """
    known = {setting_key(name) for name in names}
    tokens = list(_TOKEN.finditer(text.casefold()))
    terms, i = [], 0
    while i < len(tokens):
        term, i = _read_term(tokens, i, known)
        if term.words:
            terms.append(term)
    return tuple(terms)


def matches(query: Collection[Term], searched: Searched) -> bool:
    """Return whether a run matches every part of a query."""
    text = searched.text.casefold()
    settings = {setting_key(name): v.casefold() for name, v in searched.settings.items()}
    return all(term.matches(text, settings) for term in query)


def setting_key(name: str) -> str:
    """Return a name of a setting without case, spaces, hyphens and plural."""
    short = re.sub(r"[\s_-]", "", name.casefold())
    return short.removesuffix("s") if len(short) > 1 else short


def _read_term(tokens: list[re.Match[str]], i: int, known: set[str]) -> tuple[Term, int]:
    """Return the term that begins at a token, and the position after it."""
    for n in range(_MOST_WORDS, 0, -1):
        part = tokens[i : i + n]
        if len(part) < n or not all(token["word"] for token in part):
            continue
        name = setting_key("".join(token["word"] for token in part))
        after = tokens[i + n : i + n + 2]
        if (
            len(after) == 2
            and after[0]["sign"]
            and _content(after[1])
            and (n == 1 or name in known)
        ):
            return _setting(tokens[i : i + n + 2], name, after[0]["sign"]), i + n + 2
        if after and name in known and _content(after[0]):
            return _setting(tokens[i : i + n + 1], name, ":"), i + n + 1
    token = tokens[i]
    return Term(_content(token) or token["sign"] or ""), i + 1


def _setting(tokens: list[re.Match[str]], name: str, sign: str) -> Term:
    first, last = tokens[0], tokens[-1]
    return Term(first.string[first.start() : last.end()], name, sign, _content(last))


def _content(token: re.Match[str]) -> str:
    return str(token["phrase"] or token["word"] or "")


def _is_in(value: str, setting: str, sign: str) -> bool:
    number, parts = _number(value), [part.strip() for part in setting.split(",")]
    if number is not None and any(_number(part) is not None for part in parts):
        return number in map(_number, parts)
    if sign == "=":
        return value == setting.strip() or value in parts
    return value in setting


def _is_in_order(setting: str, sign: str, value: str) -> bool:
    number, numbers = _number(value), [_number(part) for part in setting.split(",")]
    return number is not None and any(
        each is not None and _ORDERS[sign](each, number) for each in numbers
    )


def _number(text: str) -> float | None:
    try:
        return float(text.strip().removesuffix("%"))
    except ValueError:
        return None
