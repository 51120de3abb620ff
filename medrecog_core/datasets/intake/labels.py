"""The labels that the rows of a table give: findings, raters who disagree, missing labels."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from medrecog_core.datasets.dataset import DatasetWarning, LeftOut
from medrecog_core.datasets.intake.classes import (
    class_option,
    doubtful_warning,
    spelling_key,
    unlabelled_warning,
)
from medrecog_core.datasets.intake.columns import SINGLE, Columns
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.findings import CellReading, Findings, MatchedRow, read_findings
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.wording import counted

_N_SHOWN = 3
_NO_FINDING = ("no ", "non ", "normal", "healthy", "nofinding")

OTHER = "other"
"""Class of images that have something, where the finding is that they have nothing."""

Answer = tuple[str, ...]
"""The findings that a rater sees in an image, sorted."""


@dataclass(frozen=True)
class LabelledRows:
    """Labels of images from the rows of a table.

    Attributes
    ----------
    label_of
        From an image's path to its label; every image has one at most.
    left_out
        Images and rows without a label, with the reason.
    warnings
        What was decided.
    unlabelled
        Paths of images whose label is missing, kept apart for Predict.
    remark
        In words, how the labels were read; empty where there is nothing to say.
    """

    label_of: Mapping[str, str]
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[DatasetWarning, ...] = ()
    unlabelled: tuple[str, ...] = ()
    remark: str = ""


@dataclass
class _Gathered:
    """Results by image."""

    label_of: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    several: list[str] = field(default_factory=list)
    none: list[str] = field(default_factory=list)
    uncertain: list[str] = field(default_factory=list)
    unmentioned: list[str] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)
    ties: list[str] = field(default_factory=list)
    outvoted: list[str] = field(default_factory=list)


def labels_of_rows(
    rows: Sequence[MatchedRow], columns: Columns, decisions: Decisions
) -> LabelledRows:
    """Return the label of each image from its rows.

    An image has the label of all its rows where they agree. Rows of one rater that name several
    findings are several findings; different answers of raters, or of rows where no column says who
    gave them, are a conflict. By default only images with exactly one finding that is certain get
    a label; `decisions.finding` sets one finding against the rest.

    Parameters
    ----------
    rows
        Every row that has an image.
    columns
        What the columns are; at least one is a label.
    decisions
        Says what becomes of several findings, uncertain ones and conflicts.

    Raises
    ------
    UsageError
        If the finding that is asked for does not occur.
    MedrecogError
        If rows disagree and no rule is given, or a column of findings holds something else.
    """
    confirmed = {*decisions.merges, *decisions.only_classes, *decisions.excluded_classes}
    reading = read_findings(rows, columns, decisions.finding, confirmed)
    finding = _asked_finding(reading, columns, decisions)
    of_image: dict[str, list[Findings]] = {}
    for each in reading.rows:
        of_image.setdefault(each.row.path, []).append(each)
    gathered = _Gathered()
    spelling = _Spelling(reading, decisions)
    for path, found in of_image.items():
        _gather(path, found, finding, columns, decisions, spelling, gathered)
    if gathered.conflicts and decisions.on_conflict == "refuse":
        raise MedrecogError(_refusal(gathered.conflicts, bool(columns.rater)))
    _check_one_finding(reading, columns, finding, gathered)
    warnings = [
        *_warnings(gathered, reading, finding, decisions),
        *_about_words(gathered, reading, finding, of_image),
    ]
    return LabelledRows(
        gathered.label_of,
        tuple(_left_out(gathered)),
        tuple(warnings),
        tuple(sorted(gathered.missing)),
        _remark(columns, finding, decisions, bool(gathered.conflicts)),
    )


def negative_label(finding: str) -> str:
    """Return the name of the class of images without a finding."""
    # “no No Finding” would be no name.
    is_negative = f"{spelling_key(finding)} ".startswith(_NO_FINDING)
    return OTHER if is_negative else f"no {finding}"


class _Spelling:
    """The name of a finding that its spellings share, as far as raters are compared."""

    def __init__(self, reading: CellReading, decisions: Decisions) -> None:
        self._merges = decisions.merges
        self._name_of: dict[str, str] = {}
        # The most frequent comes first.
        for name in reading.names:
            self._name_of.setdefault(self._key(name), name)

    def _key(self, name: str) -> str:
        return spelling_key(self._merges.get(name, name))

    def common(self, names: Iterable[str]) -> Answer:
        """Return one spelling of each name, sorted."""
        return tuple(sorted({self._name_of[self._key(name)] for name in names}))


def _asked_finding(reading: CellReading, columns: Columns, decisions: Decisions) -> str:
    """Return the finding that is set against the rest as the table writes it, or an empty name."""
    if columns.kind != SINGLE and len(columns.labels) == 1:
        return columns.labels[0]
    if not decisions.finding:
        return ""
    key = spelling_key(decisions.finding)
    if decisions.finding in reading.names:
        return decisions.finding
    for name in reading.names:
        if spelling_key(name) == key:
            return name
    raise UsageError(
        f"Unknown finding “{decisions.finding}” for --finding. "
        f"Available: {', '.join(sorted(reading.names))}."
    )


def _gather(
    path: str,
    found: Sequence[Findings],
    finding: str,
    columns: Columns,
    decisions: Decisions,
    spelling: _Spelling,
    gathered: _Gathered,
) -> None:
    """Find out the label of one image, or why it has none."""
    said = [each for each in found if not each.is_missing]
    if not said:
        gathered.missing.append(path)
        return
    answers: list[Answer] = []
    raw: list[str] = []
    is_uncertain = False
    for rows in _by_rater(said, columns.rater):
        positive = {name for row in rows for name in row.positive}
        doubtful = {name for row in rows for name in row.uncertain} - positive
        if decisions.uncertain == "positive":
            positive |= doubtful
        if finding:
            key = spelling_key(finding)
            is_uncertain |= decisions.uncertain == "exclude" and finding in doubtful
            has_it = any(spelling_key(name) == key for name in positive)
            answers.append((finding if has_it else negative_label(finding),))
            if not has_it and all(finding in row.unknown for row in rows):
                gathered.unmentioned.append(path)
        else:
            is_uncertain |= decisions.uncertain == "exclude" and bool(doubtful)
            answers.append(spelling.common(positive))
            raw += positive
    if is_uncertain:
        gathered.uncertain.append(path)
        return
    answer = _agreed(path, answers, said, decisions, gathered)
    if answer is None:
        return
    if len(answer) == 1:
        gathered.label_of[path] = answer[0] if finding else _as_written(answer[0], raw, spelling)
    else:
        (gathered.several if answer else gathered.none).append(path)


def _as_written(name: str, raw: Sequence[str], spelling: _Spelling) -> str:
    """Return the spelling of a finding that most rows of the image have."""
    counts = Counter(each for each in raw if spelling.common([each]) == (name,))
    return max(sorted(counts), key=lambda each: (counts[each], each == name))


def _by_rater(rows: Sequence[Findings], column: str) -> list[list[Findings]]:
    """Return the rows of each rater; a row that no one is known to have written is one's own."""
    of_rater: dict[str, list[Findings]] = {}
    for i, each in enumerate(rows):
        name = each.row.values.get(column, "") if column else ""
        of_rater.setdefault(name or f"\0{i}", []).append(each)
    return list(of_rater.values())


def _agreed(
    path: str,
    answers: Sequence[Answer],
    rows: Sequence[Findings],
    decisions: Decisions,
    gathered: _Gathered,
) -> Answer | None:
    """Return the decisive answer; None if there is none."""
    counts = Counter(answers)
    if len(counts) == 1:
        return answers[0]
    gathered.conflicts[path] = _described(path, rows)
    if decisions.on_conflict != "majority":
        return None
    (first, most), (_, next_most) = counts.most_common(2)
    if most == next_most:
        gathered.ties.append(path)
        return None
    gathered.outvoted.append(path)
    return first


def _described(path: str, rows: Sequence[Findings]) -> str:
    places: dict[str, list[str]] = {}
    for each in rows:
        name = ", ".join(each.positive) or "no finding"
        places.setdefault(name, []).append(each.row.place)
    said = "; ".join(f"“{name}” in {places[name][0]}" for name in places)
    return f"{path} ({said})"


def _refusal(conflicts: Mapping[str, str], has_raters: bool) -> str:
    n = len(conflicts)
    shown = ", ".join(list(conflicts.values())[:_N_SHOWN])
    more = f" and {n - _N_SHOWN:,} more" if n > _N_SHOWN else ""
    who = "by different raters" if has_raters else "in different rows"
    return (
        f"{counted(n, 'image')} {'has' if n == 1 else 'have'} different labels {who}, for example "
        f"{shown}{more}. Use --on-conflict majority to import the most frequent label of each "
        "image, or --on-conflict unanimous to exclude these images."
    )


def _check_one_finding(
    reading: CellReading, columns: Columns, finding: str, gathered: _Gathered
) -> None:
    """Refuse columns of findings whose images with exactly one give fewer than two classes."""
    labels = set(gathered.label_of.values())
    if finding or len(labels) > 1 or not (gathered.several or gathered.none or gathered.uncertain):
        return
    which = f"only of “{min(labels)}”" if labels else "of no class"
    n_marked = Counter(name for each in reading.rows for name in each.positive)
    names = ", ".join(f"{name} ({n_marked[name]:,})" for name in reading.names)
    raise MedrecogError(
        f"Images with exactly one certain finding are {which}, but a data set needs two classes. "
        "Use --finding NAME to use one finding against the rest. Available, with the rows that "
        f"have it: {names}."
    )


def _left_out(gathered: _Gathered) -> list[LeftOut]:
    reasons = [
        (gathered.several, "several findings"),
        (gathered.none, "none of the findings"),
        (gathered.uncertain, "an uncertain finding (-1)"),
        (gathered.ties, "as many rows for one label as for another"),
    ]
    settled = {*gathered.outvoted, *gathered.ties}
    reasons.append(([p for p in gathered.conflicts if p not in settled], "its rows disagree"))
    entries = [LeftOut(path, reason) for paths, reason in reasons for path in paths]
    return sorted(entries, key=lambda entry: entry.path)


def _warnings(
    gathered: _Gathered, reading: CellReading, finding: str, decisions: Decisions
) -> list[DatasetWarning]:
    warnings = []
    several = sorted([*gathered.several, *gathered.none])
    if several:
        names = [name for name in reading.names if negative_label(name) != OTHER]
        example = class_option("--finding", (names or reading.names)[0])
        what = [
            counted(len(gathered.several), "image") + " with several findings"
            if gathered.several
            else "",
            counted(len(gathered.none), "image") + " with none of the findings"
            if gathered.none
            else "",
        ]
        warnings.append(
            DatasetWarning(
                "several-findings",
                f"{' and '.join(filter(None, what))} are not imported, because an image has "
                f"exactly one label. Use --finding NAME, for example {example}, to import them "
                "as one finding against the rest.",
                tuple(several),
            )
        )
    if gathered.uncertain:
        of_what = f"“{finding}” is" if finding else "a finding is"
        warnings.append(
            DatasetWarning(
                "uncertain-findings",
                f"{counted(len(gathered.uncertain), 'image')} of which {of_what} marked -1 "
                "(uncertain) are not imported. Use --uncertain positive or --uncertain negative to "
                "count -1 as 1 or as 0.",
                tuple(sorted(gathered.uncertain)),
            )
        )
    unmentioned = sorted(set(gathered.unmentioned) & set(gathered.label_of))
    if unmentioned:
        warnings.append(
            DatasetWarning(
                "uncertain-findings",
                f"{counted(len(unmentioned), 'image')} of which “{finding}” is empty (not "
                f"mentioned) count as “{negative_label(finding)}”. Fill the column in, or remove "
                "these rows, to decide otherwise.",
                tuple(unmentioned),
            )
        )
    if gathered.conflicts:
        warnings.append(_about_conflicts(gathered, decisions))
    return warnings


def _about_conflicts(gathered: _Gathered, decisions: Decisions) -> DatasetWarning:
    n = counted(len(gathered.conflicts), "image")
    if decisions.on_conflict == "unanimous":
        what = f"{n} whose rows have different labels are not imported. Use --on-conflict majority"
        what += " to import the most frequent label."
    else:
        ties = counted(len(gathered.ties), "image")
        what = f"{n} have rows with different labels and are imported with the most frequent one"
        what += f", except for {ties} with a tie. " if gathered.ties else ". "
        what += "Use --on-conflict unanimous to exclude all of them."
    return DatasetWarning("label-conflicts", what, tuple(sorted(gathered.conflicts)))


def _about_words(
    gathered: _Gathered,
    reading: CellReading,
    finding: str,
    of_image: Mapping[str, Sequence[Findings]],
) -> list[DatasetWarning]:
    """Return the warnings on missing labels, and on labels that may be something else."""
    warnings = []
    if gathered.missing:
        warnings.append(unlabelled_warning(reading.missing, sorted(gathered.missing)))
    if finding:
        return warnings
    with_label: dict[str, list[str]] = {}
    for path, label in gathered.label_of.items():
        with_label.setdefault(label, []).append(path)
    for word in sorted(reading.doubtful & set(with_label)):
        warnings.append(doubtful_warning(word, sorted(with_label[word])))
    joined = sorted(reading.joined & set(with_label))
    if joined:
        named = ", ".join(f"“{label}”" for label in joined[:_N_SHOWN])
        warnings.append(
            DatasetWarning(
                "several-findings",
                f"{counted(len(joined), 'label')} may be several findings and "
                f"{'is' if len(joined) == 1 else 'are'} imported as written: {named}. Use "
                "--finding NAME to use one finding against the rest, or --exclude-class to "
                "exclude such a class.",
                tuple(sorted(path for label in joined for path in with_label[label])),
            )
        )
    if "-1" in {label.partition(".")[0] for label in with_label} and all(
        label.partition(".")[0] in ("-1", "0", "1") for label in with_label
    ):
        paths = [p for label in with_label if label.startswith("-1") for p in with_label[label]]
        warnings.append(
            DatasetWarning(
                "uncertain-findings",
                f"{counted(len(paths), 'image')} with the label -1, which often means uncertain, "
                "are imported as a class. Use --finding with the column's name to read 1 and 0 as "
                "the finding and -1 as uncertain.",
                tuple(sorted(paths)),
            )
        )
    return warnings


def _remark(columns: Columns, finding: str, decisions: Decisions, has_conflicts: bool) -> str:
    remarks = []
    if finding:
        remarks.append(f"{finding} against the rest")
    elif columns.kind != SINGLE:
        remarks.append(f"one of {len(columns.labels)} columns is the label")
    if decisions.uncertain != "exclude":
        remarks.append(f"-1 counted as {decisions.uncertain}")
    if has_conflicts:
        remarks.append(f"rows that disagree: {decisions.on_conflict}")
    return ", ".join(remarks)
