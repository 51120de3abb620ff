"""Survey of the files in a folder: images, tables, archives and others."""

import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from medrecog_core.data_roots import leads_out
from medrecog_core.datasets.dataset import DatasetWarning, LeftOut
from medrecog_core.datasets.files import shown
from medrecog_core.errors import MedrecogError
from medrecog_core.images import SUFFIXES, is_image_file, unsupported
from medrecog_core.wording import counted

TABLE_SUFFIXES = frozenset(
    {".csv", ".tsv", ".tab", ".txt", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"}
)
SYSTEM_FOLDERS = frozenset(
    {
        *("__macosx", "@eadir", "#recycle", "@recycle", "@recently-snapshot", "$recycle.bin"),
        *("recycler", "recycled", "system volume information", "lost+found", "__pycache__"),
        *("#snapshot", "@tmp", "thumbs", ".ds_store"),
    }
)
"""Folders that operating systems and storage devices put beside people's files, in lower case."""
SYSTEM_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})

_RATHER_SOMETHING_ELSE = frozenset(
    {
        *(".pdf", ".svg", ".eps", ".ai", ".wmf", ".emf", ".ico", ".raw", ".img", ".hdr", ".avi"),
        *(".mp4", ".mov", ".mpg", ".mpeg", ".mkv", ".wmv", ".webm", ".npy", ".npz", ".mat", ".h5"),
        *(".hdf5", ".tfrecord"),
    }
)
"""Files that may be or contain images, but usually do not if there are images next to them."""
NOT_AN_IMAGE = "not an image, by its name"
NOT_UTF_8 = "the name of the file or its folder is not UTF-8; rename it"

_MOST_WAYS = 50
"""Links that lead to one folder, after which no more are followed: links may multiply."""
_MOST_REASONS = 3
_MOST_COUNTED = 10_000
"""Files of a system folder that are counted."""


@dataclass(frozen=True)
class Survey:
    """What lies below a folder. Paths are relative to it, with forward slashes, and sorted.

    Attributes
    ----------
    root
        The folder, absolute.
    images
        Files that are meant as images.
    tables
        Files that may be tables: CSV, TSV, text, Excel.
    left_out
        Everything else, with the reason.
    warnings
        What was decided: links followed, unsupported formats, hidden folders passed over.
    bare
        Folders without files, or with files of unsupported formats only, whatever their depth.
    """

    root: Path
    images: tuple[str, ...]
    tables: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[DatasetWarning, ...] = ()
    bare: frozenset[str] = frozenset()


def survey_folder(root: Path) -> Survey:
    """Return the files below a folder.

    Every folder is listed once. Symbolic links are followed unless they lead to a folder that they
    are in, or to a whole folder that is in the survey already. Where links lead to the contents of
    a folder that lies beside them and all its images are linked, the links are what is meant: the
    folder itself is left out. What is no regular file is never opened.

    Raises
    ------
    MedrecogError
        If there is no such folder, or it cannot be read.
    """
    if not root.is_dir():
        raise MedrecogError(f"There is no folder {root}. Give the folder that holds the images.")
    walk = _Walk(root)
    walk.run()
    return _sorted_out(walk)


@dataclass
class _Link:
    """A symbolic link to a file or folder."""

    path: str
    target: str
    is_folder: bool
    reason: str = ""


@dataclass
class _Walk:
    """Everything below a folder, found once."""

    root: Path
    files: list[str] = field(default_factory=list)
    links: list[_Link] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    # From a folder that was listed to its real path; links have entries of their own.
    real_folders: dict[str, str] = field(default_factory=dict)
    # Of the files that links lead to: from the path to the real path.
    linked_files: dict[str, str] = field(default_factory=dict)
    _ways: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        top = os.path.realpath(self.root)
        waiting: list[_Link] = []
        self._list("", top, (), waiting)
        while waiting:
            ready = sorted(waiting, key=lambda link: link.path)
            waiting = []
            for link in ready:
                self._follow(link, top, waiting)

    def _follow(self, link: _Link, top: str, waiting: list[_Link]) -> None:
        self.links.append(link)
        if not link.is_folder:
            self.files.append(link.path)
            self.linked_files[link.path] = link.target
            return
        parent = link.path.rpartition("/")[0]
        around = self.real_folders[parent]
        above = _ancestors_of(parent, self.real_folders)
        if link.target in above or _holds(link.target, around) or _holds(link.target, top):
            link.reason = "a symbolic link to a folder that it is in"
        elif self._ways[link.target] >= _MOST_WAYS:
            link.reason = f"a symbolic link to a folder that {_MOST_WAYS} others lead to"
        else:
            self._ways[link.target] += 1
            self._list(link.path, link.target, above, waiting)

    def _list(self, folder: str, real: str, above: tuple[str, ...], waiting: list[_Link]) -> None:
        """List a folder and all in it, and put off its links."""
        stack = [(folder, real)]
        while stack:
            folder, real = stack.pop()
            try:
                entries = sorted(os.scandir(real), key=lambda entry: entry.name)
            except OSError as error:
                if not folder:
                    raise MedrecogError(
                        f"{self.root} cannot be read ({error.strerror}). Allow reading it."
                    ) from error
                self.unreadable.append(folder)
                self.left_out.append(
                    LeftOut(shown(folder), f"a folder that cannot be read ({error.strerror})")
                )
                continue
            self.real_folders[folder] = real
            hidden: list[str] = []
            before = f"{folder}/" if folder else ""
            for entry in entries:
                path = before + entry.name
                if entry.is_symlink() and not _is_hidden(entry.name):
                    self._take_link(path, os.path.join(real, entry.name), waiting)  # noqa: PTH118
                elif entry.is_dir(follow_symlinks=False):
                    inside = os.path.join(real, entry.name)  # noqa: PTH118
                    if _is_hidden(entry.name) or entry.name.lower() in SYSTEM_FOLDERS:
                        self.left_out.append(_passed_over(path, inside))
                    else:
                        stack.append((path, inside))
                elif _is_hidden(entry.name):
                    hidden.append(path)
                elif entry.is_file(follow_symlinks=False):
                    self.files.append(path)
                else:
                    self.left_out.append(LeftOut(shown(path), "a pipe, socket or device"))
            if len(hidden) == 1:
                self.left_out.append(LeftOut(shown(hidden[0]), "a hidden file"))
            elif hidden:
                self.left_out.append(LeftOut(shown(before) + ".*", f"{len(hidden):,} hidden files"))

    def _take_link(self, path: str, place: str, waiting: list[_Link]) -> None:
        if leads_out(Path(place)):
            reason = "a symbolic link that leads out of the data folders"
            self.left_out.append(LeftOut(shown(path), reason))
            return
        try:
            mode = os.stat(place).st_mode  # noqa: PTH116
        except OSError:  # it leads nowhere, or to itself
            self.broken.append(path)
            self.left_out.append(LeftOut(shown(path), "a symbolic link that leads nowhere"))
            return
        if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
            waiting.append(_Link(path, os.path.realpath(place), stat.S_ISDIR(mode)))
        else:
            self.left_out.append(LeftOut(shown(path), "a pipe, socket or device"))


def _ancestors_of(path: str, real_folders: dict[str, str]) -> tuple[str, ...]:
    """Return the real paths of the folders that a path lies in, as it was reached."""
    above = [real_folders[""]]
    for end in (i for i, letter in enumerate(path) if letter == "/"):
        above.append(real_folders[path[:end]])
    if path:
        above.append(real_folders[path])
    return tuple(above)


def _holds(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


def _passed_over(path: str, real: str) -> LeftOut:
    """Count the files in a system or hidden folder, without following links."""
    n_files = n_images = 0
    for _, _, names in os.walk(real):
        n_files += len(names)
        n_images += sum(_suffix(name) in SUFFIXES for name in names)
        if n_files > _MOST_COUNTED:
            break
    kind = "hidden" if _is_hidden(path.rpartition("/")[2]) else "system"
    count = f"{counted(n_files, 'file')}"
    if n_files > _MOST_COUNTED:
        count = f"more than {_MOST_COUNTED:,} files"
    images = f", {n_images:,} of them images" if n_images else ""
    return LeftOut(shown(path), f"a {kind} folder with {count}{images}")


def _suffix(name: str) -> str:
    if name.lower().endswith(".nii.gz"):
        return ".nii.gz"
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _sorted_out(walk: _Walk) -> Survey:
    left_out = walk.left_out
    aliases, stores = _aliases(walk)
    walk.links = [link for link in walk.links if not _below(link.path, aliases)]
    for path, reason in aliases.items():
        left_out.append(LeftOut(shown(path), reason))
    for path, reason in stores.items():
        left_out.append(LeftOut(shown(path), reason))
    not_followed = {link.path for link in walk.links if link.reason}
    left_out += [LeftOut(shown(link.path), link.reason) for link in walk.links if link.reason]
    images: list[str] = []
    tables: list[str] = []
    unnamed: list[str] = []
    unread: dict[str, list[str]] = defaultdict(list)
    beside: dict[str, list[str]] = defaultdict(list)
    for path in sorted(walk.files):
        if path in aliases or path in stores or _below(path, aliases) or _below(path, stores):
            continue
        name = path.rpartition("/")[2]
        suffix = _suffix(name)
        if name.lower() in SYSTEM_FILES:
            left_out.append(LeftOut(shown(path), NOT_AN_IMAGE))
        elif name.upper() == "DICOMDIR":
            left_out.append(LeftOut(shown(path), "the index of a DICOM disc"))
        elif suffix in SUFFIXES or (
            suffix not in TABLE_SUFFIXES and is_image_file(walk.root / path)
        ):
            if path == shown(path):
                images.append(path)
            else:
                unnamed.append(shown(path))
                left_out.append(LeftOut(shown(path), NOT_UTF_8))
        elif suffix in TABLE_SUFFIXES and path == shown(path):
            tables.append(path)
        else:
            reason = unsupported(Path(name))
            if suffix in _RATHER_SOMETHING_ELSE:
                beside[suffix].append(path)
            elif reason:
                unread[suffix].append(path)
            left_out.append(LeftOut(shown(path), reason or NOT_AN_IMAGE))
    if not images:
        unread |= beside
    warnings = [
        *_link_warnings(walk, {*aliases, *not_followed}, stores),
        *_unread_warnings(walk, unnamed, unread),
    ]
    return Survey(
        walk.root,
        tuple(images),
        tuple(tables),
        tuple(sorted(left_out, key=lambda entry: entry.path)),
        tuple(warnings),
        _bare(walk, {path for paths in unread.values() for path in paths}),
    )


def _bare(walk: _Walk, unread: set[str]) -> frozenset[str]:
    """Return the folders without files, or with unreadable images only.

    System files do not count.
    """
    filled: set[str] = set()
    for path in walk.files:
        if path in unread or path.rpartition("/")[2].lower() in SYSTEM_FILES:
            continue
        folder = path.rpartition("/")[0]
        while folder and folder not in filled:
            filled.add(folder)
            folder = folder.rpartition("/")[0]
    return frozenset(walk.real_folders) - filled - {""}


def _below(path: str, folders: dict[str, str]) -> bool:
    return bool(folders) and any(path[:i] in folders for i in _ends(path))


def _ends(path: str) -> Iterator[int]:
    return (i for i, letter in enumerate(path) if letter == "/")


def _aliases(walk: _Walk) -> tuple[dict[str, str], dict[str, str]]:
    """Choose between links and their targets if both are below the root.

    Returns
    -------
    aliases
        From the link to a whole folder or to a file beside it that is not followed, to the reason.
    stores
        From the folder that is left out for the links to its contents, to the reason.
    """
    top = walk.real_folders[""]
    files = set(walk.files)
    inside = [
        (link, link.target[len(top) :].lstrip("/"))
        for link in walk.links
        if not link.reason and _holds(top, link.target) and link.target != top
    ]
    # Folders that links lie in are no stores.
    around = {link.path[:i] for link in walk.links for i in _ends(link.path)}
    aliases: dict[str, str] = {}
    targets_of: dict[str, list[tuple[_Link, str]]] = defaultdict(list)
    for link, target in inside:
        if target not in walk.real_folders and target not in files:
            continue  # in a hidden folder, such as those of DVC and git-annex
        store = next(
            (target[:i] for i in (*_ends(target), len(target)) if target[:i] not in around), target
        )
        if store == target:
            aliases[link.path] = f"a symbolic link to “{shown(target)}”, which is below the folder"
        else:
            targets_of[store].append((link, target))
    uncovered: set[str] = set()
    if targets_of:
        targets = {target for links in targets_of.values() for _, target in links}
        for path in walk.files:
            parts = [path[:i] for i in _ends(path)]
            if _suffix(path) in SUFFIXES and targets.isdisjoint((*parts, path)):
                uncovered.update(parts)
    stores = {
        store: f"its files are imported at the places of {counted(len(links), 'symbolic link')}"
        for store, links in targets_of.items()
        if store not in uncovered
    }
    return aliases, stores


def _link_warnings(
    walk: _Walk, not_followed: Iterable[str], stores: dict[str, str]
) -> list[DatasetWarning]:
    left = set(not_followed)
    followed = [link.path for link in walk.links if link.path not in left]
    parts = []
    if followed:
        parts.append(f"{counted(len(followed), 'symbolic link')} followed.")
    if left:
        parts.append(
            f"{counted(len(left), 'symbolic link')} not followed, because what "
            f"{'it leads' if len(left) == 1 else 'they lead'} to is imported already or holds the "
            "link."
        )
    if stores:
        parts.append(
            f"The files in “{shown(min(stores))}” are imported at the places of the links to them."
        )
    if walk.links:
        parts.append("Import the folder that a link leads to if the link is not meant.")
    warnings = []
    if walk.links:
        paths = tuple(sorted(shown(path) for path in (*followed, *left, *stores)))
        warnings.append(DatasetWarning("links-followed", " ".join(parts), paths))
    if walk.broken:
        warnings.append(
            DatasetWarning(
                "broken-links",
                f"{counted(len(walk.broken), 'symbolic link leads', 'symbolic links lead')} "
                f"nowhere and {'was' if len(walk.broken) == 1 else 'were'} not followed. Get the "
                "files, then import the folder again.",
                tuple(sorted(map(shown, walk.broken))),
            )
        )
    return warnings


def _unread_warnings(
    walk: _Walk, unnamed: list[str], unread: dict[str, list[str]]
) -> list[DatasetWarning]:
    warnings = []
    if walk.unreadable:
        warnings.append(
            DatasetWarning(
                "unreadable-folders",
                f"{counted(len(walk.unreadable), 'folder')} cannot be read and "
                f"{'was' if len(walk.unreadable) == 1 else 'were'} not imported. Allow reading, "
                "then import the folder again.",
                tuple(sorted(map(shown, walk.unreadable))),
            )
        )
    if unnamed:
        warnings.append(
            DatasetWarning(
                "names-not-utf-8",
                f"{counted(len(unnamed), 'image')} not imported, because the name of the file or "
                "its folder is not UTF-8. Rename it.",
                tuple(sorted(unnamed)),
            )
        )
    if unread:
        counts = ", ".join(f"{suffix} ({len(paths):,})" for suffix, paths in sorted(unread.items()))
        n_files = sum(map(len, unread.values()))
        reasons = [
            reason for suffix in sorted(unread) if (reason := unsupported(Path(f"x{suffix}")))
        ]
        warnings.append(
            DatasetWarning(
                "unsupported-files",
                f"{counted(n_files, 'file')} not imported, because the format is not supported "
                f"({counts}). {'. '.join(reasons[:_MOST_REASONS]) or 'Save them as PNG'}.",
                tuple(sorted(shown(path) for paths in unread.values() for path in paths)),
            )
        )
    return warnings
