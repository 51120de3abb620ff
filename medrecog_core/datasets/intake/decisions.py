"""Decisions about an import, with the options that set them."""

import math
import re
import shlex
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from medrecog_core.datasets import catalogue
from medrecog_core.errors import UsageError
from medrecog_core.images.rendering import ALL, AXES, FIRST, MIDDLE

ON_CONFLICT = ("refuse", "majority", "unanimous")
"""What to do with an image whose rows have different labels."""
UNCERTAIN = ("exclude", "positive", "negative")
"""What a finding marked -1 (uncertain) counts as."""
FRAMES = (FIRST, MIDDLE, ALL)
AUTO_WINDOW, OWN_WINDOW = "auto", "own"
"""One grey window for the data set, found from its files; or each file by its own range."""

PATIENT_TAG = "PatientID"


def _decision(default: Any, option: str, help_text: str, **more: Any) -> Any:
    """Declare a field with its command-line option; `more` is passed to the option."""
    return field(default=default, metadata={"option": option, "help": help_text, **more})


@dataclass(frozen=True)
class Decisions:
    """Decisions about an import; those with their default are made by evidence, and reported.

    The metadata of each field contains its option of `datasets add`, its help, and how it is
    parsed; the command line, the page and the commands in messages are generated from these.

    Raises
    ------
    UsageError
        If decisions contradict each other or are out of range.
    """

    tables: tuple[Path, ...] = _decision(
        (),
        "--labels",
        "Table of labels (CSV, TSV or .xlsx). Repeat it for several tables; train.csv and test.csv "
        "then set the split.",
        metavar="FILE",
    )
    sheet: str = _decision("", "--sheet", "Sheet of an Excel file. Default: the first that fits.")
    encoding: str = _decision("", "--encoding", "Text encoding of the tables and of archive names.")
    header: bool | None = _decision(
        None, "--header/--no-header", "Whether the first row of the table names its columns."
    )
    image_column: str | None = _decision(
        None, "--image-column", "Column with the image's path or name; a number counts from 1."
    )
    label_columns: tuple[str, ...] = _decision(
        (),
        "--label-column",
        "Column with the label. Repeat it for one-hot columns, one for each class.",
    )
    group_column: str | None = _decision(
        None, "--group-column", "Column with the patient, lesion or other group; “” for none."
    )
    split_column: str | None = _decision(
        None, "--split-column", "Column with train, test or val, or a fold number; “” for none."
    )
    label_tag: str = _decision("", "--label-tag", "DICOM tag of the label, e.g. BodyPartExamined.")
    group_tag: str = _decision(
        PATIENT_TAG, "--group-tag", "DICOM tag of the group; “” for none.", show_default=True
    )
    has_groups: bool = _decision(True, "--groups/--no-groups", "Use or ignore group information.")
    keeps_metadata: bool = _decision(
        True,
        "--metadata/--no-metadata",
        "Keep other columns of a table, such as sex, age or site, for sub-groups.",
    )
    group_pattern: str = _decision(
        "",
        "--group-pattern",
        "Regular expression matched in each image's path; its first group is the group.",
        metavar="REGEX",
    )
    class_level: int | None = _decision(
        None,
        "--class-level",
        "Folder level that names the class: 1 is the first below PATH, -1 the image's own folder.",
    )
    group_level: int | None = _decision(
        None, "--group-level", "Folder level that names the patient or other group."
    )
    keeps_val: bool = _decision(
        False, "--keep-val", "Add the validation images to the training images."
    )
    entry: str = _decision("", "--catalogue", "Catalogue entry that selects classes.")
    keeps_companions: bool = _decision(
        False, "--keep-companions", "Import masks, overlays and other companions of images too."
    )
    keeps_copies: bool = _decision(
        False, "--keep-copies", "Import second copies of a file with the same label and split too."
    )
    finding: str = _decision(
        "", "--finding", "If images can have several findings: use this finding against the rest."
    )
    uncertain: str = _decision(
        "exclude",
        "--uncertain",
        "What a finding marked -1 counts as.",
        choices=UNCERTAIN,
        show_default=True,
    )
    on_conflict: str = _decision(
        "refuse",
        "--on-conflict",
        "What to do with an image whose rows have different labels.",
        choices=ON_CONFLICT,
        show_default=True,
    )
    merges_spellings: bool = _decision(
        False,
        "--merge-spellings",
        "Merge class names that differ in case, spaces or Unicode form only.",
    )
    bins: tuple[float, ...] = _decision(
        (),
        "--bins",
        "Turn a measurement into classes at these limits, e.g. 60,120.",
        separator=",",
    )
    only_classes: tuple[str, ...] = _decision(
        (), "--only-class", "Import this class only; repeat it for several."
    )
    excluded_classes: tuple[str, ...] = _decision(
        (), "--exclude-class", "Do not import this class; repeat it for several."
    )
    merged_classes: tuple[str, ...] = _decision(
        (), "--merge-class", "Rename class OLD to NEW, or merge it with NEW.", metavar="OLD=NEW"
    )
    window: str = _decision(
        AUTO_WINDOW,
        "--window",
        "Grey window of images with more than 8 bits: LOW:HIGH, auto (one for the data set), or "
        "own (each file by its own range).",
        show_default=True,
    )
    frames: str = _decision(
        "",
        "--frames",
        "Frames to read of files with several: first, middle or all. Default: the middle one of "
        "DICOM and NIfTI files, the first of others.",
        choices=FRAMES,
    )
    axis: int = _decision(
        2, "--axis", "Axis along which volumes are sliced (0-2).", show_default=True
    )
    channel: int | None = _decision(
        None, "--channel", "Channel to read of images with more than three, from 0."
    )

    def __post_init__(self) -> None:
        if self.tables and self.label_tag:
            raise UsageError(
                "Labels cannot come from both a table and a DICOM tag. Use one of them."
            )
        if self.label_tag and self.class_level is not None:
            raise UsageError(
                "Labels cannot come from both a DICOM tag and folders. Use one of them."
            )
        if self.tables and self.class_level is not None:
            raise UsageError("Labels cannot come from both a table and folders. Use one of them.")
        for level, name in ((self.class_level, "class"), (self.group_level, "group")):
            if level == 0:
                raise UsageError(f"The {name} level 0 does not exist. Use 1, 2, … or -1, -2, …")
        if self.class_level is not None and self.class_level == self.group_level:
            raise UsageError("The class and the group cannot be the same folder level.")
        if self.group_pattern:
            try:
                pattern = re.compile(self.group_pattern)
            except re.error as error:
                raise UsageError(
                    f"The group pattern “{self.group_pattern}” is not a valid regular expression "
                    f"({error})."
                ) from error
            if pattern.groups < 1:
                raise UsageError(
                    f"The group pattern “{self.group_pattern}” has no group. Put the part that is "
                    "the patient in parentheses."
                )
        for value, choices, option in (
            (self.on_conflict, ON_CONFLICT, "--on-conflict"),
            (self.uncertain, UNCERTAIN, "--uncertain"),
            (self.frames, ("", *FRAMES), "--frames"),
        ):
            if value not in choices:
                raise UsageError(
                    f"Unknown value “{value}” for {option}. "
                    f"Available: {', '.join(filter(None, choices))}."
                )
        if not all(map(math.isfinite, self.bins)) or list(self.bins) != sorted(set(self.bins)):
            raise UsageError("The limits of --bins must be numbers that increase.")
        self._check_window()
        both = set(self.only_classes) & set(self.excluded_classes)
        if both:
            raise UsageError(f"Class “{min(both)}” is both kept and excluded. Choose one.")
        for pair in self.merged_classes:
            old, separator, new = pair.partition("=")
            if not (separator and old and new):
                raise UsageError(f"“{pair}” is not a merge. Write it as OLD=NEW.")
        if self.entry:
            catalogue.find(self.entry)

    def _check_window(self) -> None:
        if self.window not in (AUTO_WINDOW, OWN_WINDOW) and self.limits is None:
            raise UsageError(
                f"“{self.window}” is not a grey window. Use LOW:HIGH with two numbers, "
                f"{AUTO_WINDOW} or {OWN_WINDOW}."
            )
        if self.axis not in AXES:
            raise UsageError(f"The axis {self.axis} is not possible. Use 0, 1 or 2.")
        if self.channel is not None and self.channel < 0:
            raise UsageError(f"The channel {self.channel} is not possible. Channels count from 0.")

    @property
    def limits(self) -> tuple[float, float] | None:
        """The grey window that was given as two numbers, if it was."""
        low, separator, high = self.window.partition(":")
        try:
            window = (float(low), float(high))
        except ValueError:
            return None
        is_possible = all(map(math.isfinite, window)) and window[0] < window[1]
        return window if separator and is_possible else None

    @property
    def merges(self) -> dict[str, str]:
        """From the old name of a class to its new one."""
        return {old: new for old, _, new in (pair.partition("=") for pair in self.merged_classes)}

    def to_document(self) -> dict[str, Any]:
        """Return what differs from the defaults, as JSON values."""
        document: dict[str, Any] = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value != each.default:
                is_several = isinstance(value, tuple)
                document[each.name] = [_plain(v) for v in value] if is_several else value
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Decisions":
        """Return the decisions that a document describes.

        Raises
        ------
        UsageError
            If decisions contradict each other or are out of range.
        """
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in document.items()
        }
        values["tables"] = tuple(map(Path, values.get("tables", ())))
        return cls(**values)

    def arguments(self) -> list[str]:
        """Return the options of `datasets add` that say the same."""
        arguments: list[str] = []
        for each in fields(self):
            value = getattr(self, each.name)
            if value == each.default:
                continue
            option: str = each.metadata["option"]
            if isinstance(value, bool):
                on, _, off = option.partition("/")
                arguments.append(on if value else off)
            elif "separator" in each.metadata:
                arguments += [option, each.metadata["separator"].join(map(_number, value))]
            elif isinstance(value, tuple):
                arguments += [word for part in value for word in (option, str(part))]
            else:
                arguments += [option, str(value)]
        return arguments

    def command(self, name: str, sources: tuple[Path, ...]) -> str:
        """Return the complete shell command that adds a data set with these decisions."""
        # A path that begins with a dash would be read as an option.
        paths = (f"./{path}" if str(path).startswith("-") else str(path) for path in sources)
        words = ["datasets", "add", name, *paths, *self.arguments()]
        return shlex.join(["python", "-m", "medrecog_core", *words])


def _number(value: float) -> str:
    # The shortest text that reads back as the same number.
    return repr(float(value)).removesuffix(".0")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


BY_EVIDENCE = Decisions()
"""Everything is decided by evidence."""
