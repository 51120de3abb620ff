"""The groups of an import: patients before lesions, from tables, tags, folders and names."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from shlex import quote

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord
from medrecog_core.datasets.intake.classes import missing_words
from medrecog_core.datasets.intake.decisions import PATIENT_TAG, Decisions
from medrecog_core.datasets.intake.dicom_tags import with_patients
from medrecog_core.datasets.intake.folder_roles import PERSON, kind_of
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.errors import UsageError
from medrecog_core.wording import counted

_PATIENT_WORDS = frozenset(
    (
        *("patient", "pat", "patientid", "subject", "subjectid", "participant", "person"),
        *("individual", "proband", "donor", "animal", "mouse", "pid", "mrn"),
    )
)
_ANONYMOUS = frozenset(
    (
        *("anonymous", "anonymized", "anonymised", "anon", "anonym", "deidentified"),
        *("de identified", "unknown", "none", "removed", "private", "redacted", "no id"),
        *("noname", "no name", "0"),
    )
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_WHOLE = re.compile(r"[+-]?\d+\.0+")
_MISSING_GROUPS = frozenset(("none",))

USUAL_PATTERNS = (
    r"(?i)(?:^|/)(person\d+(?:_(?:bacteria|virus))?)_",
    r"(?i)(?:^|/|_)(pat(?:ient)?[_-]?\d+)(?=[_./-])",
    r"(?i)(?:^|/|_)(sub(?:ject)?[_-]?\d+)(?=[_./-])",
    r"(?i)(?:^|/|_)(case[_-]?\d+)(?=[_./-])",
    r"(?i)(?:^|/|_)(p\d+)(?=[_./-])",
    r"(?i)(?:^|/)(s\d+)(?=[_-])",
    r"(TCGA-\w{2}-\w{4})",
    r"(?i)(?:^|/|_)(lesion[_-]?\d+)(?=[_./-])",
    r"(?i)(?:^|/)([^/]+?)[_-](?:left|right|od|os)\.",
    r"(?i)(?:^|/)([^/]+?)[ _-]+(?:frame|frm|slice|patch|tile)[ _-]?\d+\.",
)
"""Patterns of patients in names of files and folders that are proposed, never applied."""

_PATTERN_SHARE = _PEOPLE_SHARE = 0.9
_OF_A_TAG = "the DICOM tag"


def with_groups(root: Path, found: Interpretation, decisions: Decisions) -> Interpretation:
    """Return it with the groups according to the decisions and the evidence.

    In order of precedence: a pattern, a folder level, columns of a table, the layout, and a DICOM
    tag for images without a group.

    Raises
    ------
    UsageError
        If a pattern, a level or a tag gives no image a group.
    """
    images = found.images
    is_chosen = decisions.group_pattern or decisions.group_level is not None
    if not decisions.has_groups or (decisions.group_column == "" and not is_chosen):
        has_some = any(image.group for image in images) or found.group_columns
        images = tuple(replace(image, group="") if image.group else image for image in images)
        return found.with_images(images, remark="groups not used" if has_some else "")
    if decisions.group_pattern:
        found, source = _by_pattern(found, decisions.group_pattern), "the group pattern"
    elif decisions.group_level is not None:
        found, source = _by_level(found, decisions.group_level), "the group level"
    elif found.group_columns:
        found, source = _by_columns(found)
    else:
        source = ""
    if decisions.group_tag:
        tagged, _ = with_patients(root, found.images, decisions.group_tag)
        if tagged != list(found.images):
            source = source or f"{_OF_A_TAG} {decisions.group_tag}"
            remark = f"groups from the DICOM tag {decisions.group_tag}"
            found = found.with_images(tuple(tagged), remark=remark)
    if not any(image.group for image in found.images):
        found = _by_people(found)
    warnings = [
        *_one_group(found.images),
        *_own_groups(root, found, decisions, source),
        *_patients_in_names(found.images),
    ]
    return replace(found, warnings=(*found.warnings, *warnings))


def _by_pattern(found: Interpretation, text: str) -> Interpretation:
    pattern = re.compile(text)
    matches = {image.path: pattern.search(image.path) for image in found.images}
    groups = {path: match[1] or "" for path, match in matches.items() if match}
    if not any(groups.values()):
        raise UsageError(
            f"The group pattern “{text}” matches no image, for example not "
            f"{found.images[0].path}. Correct or omit --group-pattern."
        )
    return _grouped(found, groups, f"groups from the pattern {text}", "the group pattern")


def _by_level(found: Interpretation, level: int) -> Interpretation:
    groups = {}
    for image in found.images:
        folders = PurePosixPath(image.path).parts[:-1]
        index = level - 1 if level > 0 else level
        if -len(folders) <= index < len(folders):
            groups[image.path] = folders[index]
    if not groups:
        raise UsageError(
            f"No image lies as deep as the group level {level}, for example not "
            f"{found.images[0].path}. Correct --group-level."
        )
    return _grouped(found, groups, f"groups from folder level {level}", "the group level")


def _by_people(found: Interpretation) -> Interpretation:
    """Return it grouped by the outermost folders with names of people, if there are any.

    Where folders give the classes, they were looked at for it; where a table does, they were not.
    """
    folders = [PurePosixPath(image.path).parts[:-1] for image in found.images]
    for level in range(max(map(len, folders), default=0)):
        names = [parts[level] if level < len(parts) else "" for parts in folders]
        people = {name for name in set(names) if kind_of(name) == PERSON}
        is_level = sum(name in people for name in names) >= _PEOPLE_SHARE * len(names)
        if is_level and 1 < len(people) < len(names):
            groups = {i.path: n for i, n in zip(found.images, names, strict=True) if n in people}
            remark = f"groups from folders such as {min(people)}"
            return _grouped(found, groups, remark, "the folders")
    return found


def _grouped(
    found: Interpretation, groups: Mapping[str, str], remark: str, source: str
) -> Interpretation:
    images = tuple(replace(image, group=groups.get(image.path, "")) for image in found.images)
    without = tuple(image.path for image in images if not image.group)
    warnings: tuple[DatasetWarning, ...] = ()
    if without:
        warnings = (
            DatasetWarning(
                "images-without-group",
                f"{counted(len(without), 'image')} have no group from {source}, so each is a "
                "separate group. Correct --group-pattern or --group-level to decide otherwise.",
                without,
            ),
        )
    return found.with_images(images, remark=remark, warnings=warnings)


def _by_columns(found: Interpretation) -> tuple[Interpretation, str]:
    """Group by the column of patients, or otherwise by the coarsest one."""
    columns = {
        name: _cleaned({image.path: values.get(image.path, "") for image in found.images})
        for name, values in found.group_columns.items()
    }
    columns = {name: values for name, values in columns.items() if any(values.values())}
    if not columns:
        return found, ""
    names = sorted(columns, key=lambda name: _rank(name, columns))
    chosen, others = names[0], names[1:]
    groups = dict(columns[chosen])
    warnings = []
    for other in others:
        warnings += _about_other(chosen, other, columns)
    filled = _filled(groups, {name: columns[name] for name in others})
    if filled:
        warnings.append(
            DatasetWarning(
                "group-chosen",
                f"{counted(len(filled), 'image')} without a value in “{chosen}” are grouped by "
                f"“{', '.join(others)}”. Use --group-column to choose a column.",
                tuple(filled),
            )
        )
    images = tuple(replace(image, group=groups[image.path]) for image in found.images)
    remark = f"groups from the column {chosen}"
    if others:
        remark += f" (rather than {', '.join(others)})"
    found = found.with_images(images, remark=remark, warnings=tuple(warnings))
    return found, f"the column “{chosen}”"


def _cleaned(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values without words for a missing one, and whole numbers written as such."""
    missing, doubtful = missing_words(values.values())
    missing |= {word for word in doubtful if word.casefold() in _MISSING_GROUPS}
    return {
        path: ""
        if value in missing
        else value.partition(".")[0]
        if _WHOLE.fullmatch(value)
        else value
        for path, value in values.items()
    }


def is_patient_name(name: str) -> bool:
    """Return whether a column or tag is called like one of patients."""
    words = [word.casefold() for word in _WORD.findall(name)]
    return not _PATIENT_WORDS.isdisjoint(words) or "".join(words) in _PATIENT_WORDS


def _rank(name: str, columns: Mapping[str, Mapping[str, str]]) -> tuple[int, int, int]:
    """Order columns: first those of patients, then the fewest groups, if they group at all."""
    groups = Counter(value for value in columns[name].values() if value)
    is_alone = all(n == 1 for n in groups.values())
    return (
        0 if is_patient_name(name) else 1 + is_alone,
        len(groups),
        list(columns).index(name),
    )


def _about_other(
    chosen: str, other: str, columns: Mapping[str, Mapping[str, str]]
) -> list[DatasetWarning]:
    """Return the warning on groups of another column that overlap several chosen groups."""
    members: dict[str, list[str]] = defaultdict(list)
    for path, value in columns[other].items():
        if value:
            members[value].append(path)
    across = {
        value: paths
        for value, paths in members.items()
        if len({columns[chosen][path] for path in paths} - {""}) > 1
    }
    if not across:
        return []
    n = counted(len(across), "value")
    return [
        DatasetWarning(
            "group-chosen",
            f"The images are grouped by “{chosen}”, and {n} of “{other}” "
            f"{'occurs' if len(across) == 1 else 'occur'} in several of these groups, which may be "
            f"numbers that begin anew in each, or a mistake. Use --group-column {other} to group "
            "by that column.",
            tuple(sorted(path for paths in across.values() for path in paths)),
        )
    ]


def _filled(groups: dict[str, str], others: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Give images without a group the one that other images of the same lesion or study have.

    Where those have none either, the lesion or study is the group. Returns the paths.
    """
    filled = []
    for name, values in others.items():
        known: dict[str, set[str]] = defaultdict(set)
        for path, value in values.items():
            if value and groups[path]:
                known[value].add(groups[path])
        for path, value in values.items():
            if value and not groups[path]:
                of_value = known[value]
                groups[path] = min(of_value) if len(of_value) == 1 else f"{name} {value}"
                filled.append(path)
    return sorted(filled)


def _one_group(images: Sequence[ImageRecord]) -> list[DatasetWarning]:
    """Warn about one group for everything, and about several images of an anonymous patient."""
    counts = Counter(image.group for image in images)
    if len(images) > 1 and len(counts) == 1 and "" not in counts:
        group = images[0].group
        what = f"All {len(images):,} images are of one group, “{group}”, so none can be tested"
        what += " without training on its group."
        paths = tuple(image.path for image in images)
    else:
        anonymous = {
            group
            for group, n in counts.items()
            if n > 1
            and " ".join(_WORD.findall(group)).casefold() in _ANONYMOUS
            and not (group == "0" and "1" in counts)  # patients that are numbered from 0
        }
        if not anonymous:
            return []
        paths = tuple(image.path for image in images if image.group in anonymous)
        named = ", ".join(f"“{group}”" for group in sorted(anonymous))
        what = f"{counted(len(paths), 'image')} are of the group {named}, which is no patient's "
        what += "name, and stay together in every split."
    return [
        DatasetWarning(
            "one-group",
            f"{what} Use --no-groups if the images are independent, --group-column, --group-tag "
            "or --group-level to choose other groups, or --group-pattern to read the patient from "
            "the paths.",
            paths,
        )
    ]


def _have_studies(root: Path, found: Interpretation) -> bool:
    """Return whether DICOM images of one study have different patients, as a false export has."""
    alone = [replace(image, group="") for image in found.images]
    studies, _ = with_patients(root, alone, "StudyInstanceUID")
    named = [image.group for image in studies if image.group]
    return len(set(named)) < len(named)


def _own_groups(
    root: Path, found: Interpretation, decisions: Decisions, source: str
) -> list[DatasetWarning]:
    """Warn about a group for every image, unless these are patients with one image each."""
    groups = [image.group for image in found.images]
    if not source or len(groups) < 2 or len(set(groups)) < len(groups) or "" in groups:
        return []
    is_chosen = (
        decisions.group_column is not None
        or decisions.group_pattern
        or decisions.group_level is not None
        or decisions.group_tag != PATIENT_TAG
    )
    are_names = all(
        image.group in (PurePosixPath(image.path).stem, PurePosixPath(image.path).name)
        for image in found.images
    )
    if (
        not is_chosen
        and is_patient_name(source)
        and not (are_names or (source.startswith(_OF_A_TAG) and _have_studies(root, found)))
    ):
        return []
    return [
        DatasetWarning(
            "group-per-image",
            f"Every image is a separate group by {source}, so the groups have no effect. If "
            "several images are of one patient, use --group-column, --group-tag, --group-level "
            "or --group-pattern to group by patients; otherwise use --no-groups.",
            tuple(image.path for image in found.images),
        )
    ]


def _patients_in_names(images: Sequence[ImageRecord]) -> list[DatasetWarning]:
    """Warn where a usual pattern would group images that have no groups, and propose it."""
    if not images or any(image.group for image in images):
        return []
    for text in USUAL_PATTERNS:
        pattern = re.compile(text)
        groups = Counter(
            match[1] for image in images if (match := pattern.search(image.path)) is not None
        )
        n_matched = groups.total()
        if n_matched >= _PATTERN_SHARE * len(images) and 1 < len(groups) < n_matched:
            example = groups.most_common(1)[0][0]
            return [
                DatasetWarning(
                    "patients-in-names",
                    f"The names look like those of {len(groups):,} patients, lesions or videos "
                    f"(such as “{example}”), and no group keeps their {n_matched:,} images "
                    f"together, so one can be in training and test. Use --group-pattern "
                    f"{quote(text)} to group them, or --no-groups if all images are independent.",
                    tuple(image.path for image in images if pattern.search(image.path)),
                )
            ]
    return []
