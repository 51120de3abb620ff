"""The rows of a table and the image files that they name."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from medrecog_core.datasets.intake.folder_roles import SPLIT_WORDS
from medrecog_core.images import SUFFIXES as IMAGE_SUFFIXES

_SPLIT_WORDS = {**SPLIT_WORDS, "trainval": "train"}

_OTHER_ENDINGS = (
    ".dcm .dicom .ima .nii .mha .mhd .nrrd .npy .npz .raw .svs .ndpi .mrxs .tif .tiff .png .jpg "
    ".jpeg .jfif .jpe .bmp .gif .webp .heic .heif .avif .jp2 .j2k .pgm .ppm .pbm .pnm"
)
_ENDINGS = IMAGE_SUFFIXES.union(_OTHER_ENDINGS.split())
_DIGITS = re.compile(r"\d+")
_DECIMAL = re.compile(r"(\d+)\.0+")
_ROOT = re.compile(r"[A-Za-z]:$|[A-Za-z][A-Za-z0-9+.-]*:$")

EXACT, NO_ENDING = "", "no-ending"
UNICODE, CASE, ENDING, NUMBERS, ROOT = "unicode", "case", "ending", "numbers", "root"

KINDS = {
    UNICODE: "spaces or accents written differently",
    CASE: "upper and lower case",
    ENDING: "another file name extension",
    NUMBERS: "leading zeros or decimals",
    ROOT: "another root folder",
}
"""Descriptions of how loosely a row can name its image."""


def parts_of(text: str) -> tuple[str, ...]:
    """Return the folders and the name of a path written with either slash, from any machine."""
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    if parts and _ROOT.match(parts[0]) and len(parts) > 1:
        del parts[0]
    return tuple(parts)


def split_word(parts: Iterable[str]) -> str:
    """Return the split that names of folders or files mean, the innermost first, or nothing."""
    for part in reversed(list(parts)):
        words = re.findall(r"[a-z]+", part.lower())
        found = {_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS}
        if found == {"train", "val"}:
            return "train"
        if len(found) == 1:
            return found.pop()
    return ""


def _ending(name: str) -> str:
    lower = name.lower()
    if lower.endswith(".nii.gz"):
        return name[-7:]
    at = lower.rfind(".")
    return name[at:] if at > 0 and lower[at:] in _ENDINGS else ""


def _stem(name: str) -> str:
    ending = _ending(name)
    return name[: -len(ending)] if ending else name


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _folded(text: str) -> str:
    if text.isascii():
        return " ".join(text.split()).lower() if " " in text else text.lower()
    # Folding can undo the normal form, so that it is made twice (Unicode, section 3.13, D145).
    return _tidy(unicodedata.normalize("NFD", _tidy(text)).casefold())


def _without_zeros(text: str) -> str:
    return _DIGITS.sub(lambda digits: digits[0].lstrip("0") or "0", _folded(text))


def _same(text: str) -> str:
    return text


@lru_cache(maxsize=65536)
def _folded_folder(text: str) -> str:
    return _folded(text)


@lru_cache(maxsize=65536)
def _tidy_folder(text: str) -> str:
    return _tidy(text)


@lru_cache(maxsize=65536)
def _folder_without_zeros(text: str) -> str:
    return _without_zeros(text)


def _bare(name: str) -> str:
    """Return the name in a row if it has no ending."""
    return "" if _ending(name) else name


def _number_name(name: str) -> str:
    decimal = _DECIMAL.fullmatch(name)
    return _without_zeros(decimal[1] if decimal else _stem(name))


@dataclass(frozen=True)
class _Way:
    """A way to compare the names in rows with those of files and folders."""

    kind: str
    of_row: Callable[[str], str]
    of_file: Callable[[str], str]
    of_folder: Callable[[str], str]


_WAYS = (
    _Way(EXACT, _same, _same, _same),
    _Way(NO_ENDING, _bare, _stem, _same),
    _Way(UNICODE, _tidy, _tidy, _tidy_folder),
    _Way(UNICODE, lambda name: _tidy(_bare(name)), lambda name: _tidy(_stem(name)), _tidy_folder),
    _Way(CASE, _folded, _folded, _folded_folder),
    _Way(
        CASE, lambda name: _folded(_bare(name)), lambda name: _folded(_stem(name)), _folded_folder
    ),
    _Way(
        ENDING,
        lambda name: _folded(_stem(name)),
        lambda name: _folded(_stem(name)),
        _folded_folder,
    ),
    _Way(NUMBERS, _number_name, _number_name, _folder_without_zeros),
)
"""From strict to loose."""


@dataclass(frozen=True, slots=True)
class Match:
    """The images named by a text, and how loosely.

    Attributes
    ----------
    paths
        One; several where it names a folder; none where there is none.
    kinds
        Of `KINDS`.
    candidates
        Paths of which it may be each, where that is not clear.
    has_all
        Whether these are all the candidates; of very many there are some only.
    reason
        In words, why there is none.
    """

    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    has_all: bool = True
    reason: str = ""


NOT_THERE = "its image is not in the folder"
NO_NAME = "its image column is empty"
_NOT_THERE = Match(reason=NOT_THERE)
_ALL_FOLDERS = 10**6
_MOST_CANDIDATES = 100
_MOST_GIVEN = 20


class _Node:
    """Files that have the last folders and the name in common."""

    __slots__ = ("_children", "depth", "files")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.files: list[int] = []
        self._children: dict[str, _Node] | None = None

    def children(
        self, parts: Sequence[tuple[str, ...]], of_folder: Callable[[str], str]
    ) -> dict[str, "_Node"]:
        """Return them by their next folder; an empty one for files that have no more."""
        if self._children is None:
            self._children = {}
            for file in self.files:
                folders = parts[file]
                is_whole = len(folders) == self.depth
                key = "" if is_whole else of_folder(folders[-1 - self.depth])
                child = self._children.get(key)
                if child is None:
                    child = self._children[key] = _Node(self.depth + 1)
                child.files.append(file)
        return self._children


class _Names:
    """Files by their names, compared in one way.

    A dictionary of names alone, whose entries grow to trees of folders only where one name is that
    of several files, so that memory is linear in the files and finding one needs no search.
    """

    def __init__(self, parts: Sequence[tuple[str, ...]], way: _Way) -> None:
        self.parts = parts
        self._way = way
        self._nodes: dict[str, _Node] = {}
        for file, names in enumerate(parts):
            key = way.of_file(names[-1])
            node = self._nodes.get(key)
            if node is None:
                node = self._nodes[key] = _Node(1)
            node.files.append(file)

    def __contains__(self, name: str) -> bool:
        key = self._way.of_row(name)
        return bool(key) and key in self._nodes

    def find(self, row: tuple[str, ...], n_whole: int, n_part: int) -> tuple[list[int], int]:
        """Return the files with the longest ending in common with a row, and how long it is.

        There are none if it is shorter than `n_whole` where it is the whole of a file's path, or
        shorter than `n_part` where it is not.
        """
        key = self._way.of_row(row[-1])
        node = self._nodes.get(key) if key else None
        if node is None:
            return [], 0
        of_folder = self._way.of_folder
        for depth in range(1, len(row)):
            folder = of_folder(row[-1 - depth])
            if len(node.files) == 1:
                names = self.parts[node.files[0]]
                if depth < len(names) and of_folder(names[-1 - depth]) == folder:
                    continue
                is_found = depth >= (n_whole if depth == len(names) else n_part)
                return (node.files if is_found else []), depth
            children = node.children(self.parts, of_folder)
            child = children.get(folder)
            if child is None:
                if "" in children:
                    return (children[""].files if depth >= n_whole else []), depth
                return (node.files if depth >= n_part else []), depth
            node = child
        return node.files, len(row)


@dataclass
class _Search:
    """The rows of one table on their way to their images."""

    rows: dict[tuple[str, ...], Match | None]
    folder: tuple[str, ...]
    split: str
    n_common: int
    n_passed_over: int = 0
    least_folders: int = 2
    claimed: dict[int, tuple[str, ...]] = field(default_factory=dict)
    contested: set[int] = field(default_factory=set)

    def least(self, row: tuple[str, ...]) -> tuple[int, int]:
        """Return how long the common ending must be, as a whole path and as a part of one.

        The folders before a file's whole path are the table's root, which all rows have.
        """
        n_root = max(self.n_common, self.n_passed_over)
        return max(1, len(row) - n_root), max(1, len(row) - self.n_passed_over)

    def unmatched(self) -> list[tuple[str, ...]]:
        return [row for row, match in self.rows.items() if match is None]


class ImageNames:
    """The images of a folder, to be found by what the rows of a table call them."""

    def __init__(self, root: Sequence[str], paths: Sequence[str]) -> None:
        self._root = tuple(root)
        self._paths = paths
        self._parts = [tuple(path.split("/")) for path in paths]
        self._names: dict[_Way, _Names] = {}
        self._folder_names: dict[_Way, _Names] = {}

    @cached_property
    def _folders(self) -> dict[tuple[str, ...], list[int]]:
        """From each folder to the images in it and below it."""
        found: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for file, parts in enumerate(self._parts):
            for depth in range(1, len(parts)):
                found[parts[:depth]].append(file)
        return dict(found)

    @cached_property
    def _folder_parts(self) -> list[tuple[str, ...]]:
        return list(self._folders)

    @cached_property
    def _names_of_folders(self) -> frozenset[str]:
        return frozenset(_folded(parts[-2]) for parts in self._parts if len(parts) > 1)

    @cached_property
    def _names_of_all_folders(self) -> frozenset[str]:
        return frozenset(_number_name(parts[-1]) for parts in self._folders)

    @cached_property
    def _root_name(self) -> tuple[str, ...]:
        return tuple(self._root[-1:])

    def _by(self, way: _Way) -> _Names:
        if way not in self._names:
            self._names[way] = _Names(self._parts, way)
        return self._names[way]

    def _folders_by(self, way: _Way) -> _Names:
        if way not in self._folder_names:
            self._folder_names[way] = _Names(self._folder_parts, way)
        return self._folder_names[way]

    def names_image(self, cell: str) -> bool:
        """Return whether a cell has the name of an image in any spelling, or of its folder."""
        if not cell or len(cell) > 4096:
            return False
        name = cell
        if "/" in cell or "\\" in cell:
            parts = parts_of(cell)
            if not parts:
                return False
            name = parts[-1]
            if len(parts) > 1 and _folded_folder(name) in self._names_of_folders:
                return True
        return any(name in self._by(way) for way in (_WAYS[0], _WAYS[1], _WAYS[-1]))

    def names_folder(self, cell: str) -> bool:
        """Return whether a cell has the name of a folder with images in or below it."""
        return 0 < len(cell) <= 255 and _number_name(cell) in self._names_of_all_folders

    def match(
        self, texts: Sequence[str], table: str = "", *, names_folders: bool = False
    ) -> list[Match]:
        """Return the images that the rows of a table name, from strict to loose.

        A row's path and an image's end alike: one is the ending of the other, whatever the root.
        Only where that is so for no row, the folders that all rows have in common are passed over,
        and then all folders. Two rows that name one image in two ways name it in none, since one
        of them means another image.

        Parameters
        ----------
        texts
            What the rows call their images.
        table
            Path of the table below the root, whose folder and name decide between files of the
            same name.
        names_folders
            Whether rows name folders, as those of patients do. Else a name alone is no folder's,
            since it could be anything, such as a class.
        """
        parts = [parts_of(text) for text in texts]
        place = tuple(table.split("/")) if table else ()
        rows: dict[tuple[str, ...], Match | None] = dict.fromkeys(filter(None, parts))
        search = _Search(rows, place[:-1], split_word(place), _n_common_folders(rows))
        search.least_folders = 1 if names_folders else 2
        for n_passed_over in sorted({0, search.n_common}):
            search.n_passed_over = n_passed_over
            if not names_folders:
                self._find_images(search)
            self._find_folders(search)
            if any(search.rows.values()):
                break
        else:
            search.n_passed_over = _ALL_FOLDERS
            self._find_images(search)
            for row, match in search.rows.items():
                if match and not match.paths:
                    search.rows[row] = None  # a name that several files have says too little
        missing = Match(reason=NO_NAME)
        return [(search.rows[row] or _NOT_THERE) if row else missing for row in parts]

    def _find_images(self, search: _Search) -> None:
        for way in _WAYS:
            left = search.unmatched()
            if not left:
                return
            names = self._by(way)
            found = ((row, *names.find(row, *search.least(row))) for row in left)
            for row, file, match in self._chosen(search, way, found, self._by(_WAYS[-1])):
                search.rows[row] = match
                if file is not None:
                    search.rows[row] = Match((self._paths[file],), match.kinds)

    def _find_folders(self, search: _Search) -> None:
        """Find the folders that rows name."""
        least = search.least_folders
        left = [row for row in search.unmatched() if len(row) >= least]
        known = self._names_of_all_folders if least == 1 else self._names_of_folders
        key_of = _number_name if least == 1 else _folded_folder
        if not any(key_of(row[-1]) in known for row in left):
            return
        claimed, search.claimed = search.claimed, {}
        contested, search.contested = search.contested, set()
        ways = (_WAYS[0], _WAYS[2], _WAYS[4], *([_WAYS[-1]] if least == 1 else []))
        for way in ways:
            names = self._folders_by(way)
            left = [row for row in search.unmatched() if len(row) >= least]
            found = ((row, *names.find(row, *search.least(row))) for row in left)
            for row, file, match in self._chosen(search, way, found, self._folders_by(ways[-1])):
                search.rows[row] = match
                if file is not None:
                    images = self._folders[self._folder_parts[file]]
                    paths = tuple(self._paths[image] for image in images)
                    search.rows[row] = Match(paths, match.kinds)
        search.claimed, search.contested = claimed, contested

    def _chosen(
        self,
        search: _Search,
        way: _Way,
        found: Iterable[tuple[tuple[str, ...], list[int], int]],
        loosest: _Names,
    ) -> Iterator[tuple[tuple[str, ...], int | None, Match]]:
        """Give each row that finds anything, with its one file, or why that is not clear."""
        parts = loosest.parts
        offers: dict[tuple[str, ...], tuple[list[int], int]] = {}
        for row, alike, depth in found:
            if len(alike) > _MOST_CANDIDATES:
                yield row, None, _unclear(alike, parts)
                continue
            files = alike
            if len(row) > depth:
                files = [file for file in alike if not self._differ(row, parts[file], depth)]
            if files:
                offers[row] = files, depth
        base = self._base(search, offers, parts)
        one_of: dict[tuple[str, ...], int] = {}
        for row, (files, depth) in offers.items():
            chosen = files
            if len(files) > 1 and base is not None:
                chosen = [f for f in files if parts[f][: len(parts[f]) - depth] == base]
            if len(chosen) == 1:
                one_of[row] = chosen[0]
            else:
                yield row, None, _unclear(files, parts)
                self._contest(search, files, loosest)
                search.contested.update(files)
        claims: dict[int, list[tuple[str, ...]]] = defaultdict(list)
        for row, file in one_of.items():
            claims[file].append(row)
        for file, rows in claims.items():
            first = search.claimed.setdefault(file, rows[0])
            best = rows[0] if first is rows[0] and len(rows) == 1 else None
            if way is _WAYS[0] and len(rows) > 1:
                best = next((row for row in rows if len(row) == len(parts[file])), None)
            if best is not None and way is not _WAYS[0] and file in search.contested:
                # A row that names no image clearly may mean it.
                name = "/".join(parts[file])
                reason = f"another row may mean {name} too"
                yield best, None, Match(candidates=(name,), reason=reason)
            elif best is not None:
                search.claimed[file] = best
                yield best, file, Match(kinds=self._kinds(way, best, offers[best][1]))
            elif first is not rows[0]:
                self._contest(search, [file], loosest)
            path = "/".join(parts[file])
            is_taken = best is not None or first is not rows[0]
            reason = f"{'another row names' if is_taken else 'several rows name'} {path}"
            for row in rows:
                if row is not best:
                    yield row, None, Match(candidates=(path,), reason=f"{reason} differently")
                    others, _ = loosest.find(row, *search.least(row))
                    search.contested.update(others[:_MOST_CANDIDATES])

    def _contest(self, search: _Search, files: Iterable[int], loosest: _Names) -> None:
        """Give up the stricter rows of images that another row may mean too.

        A row keeps its image if there is no other file that it may mean in the loosest way.
        """
        waiting = list(files)
        while waiting:
            row = search.claimed.get(waiting.pop())
            match = search.rows[row] if row else None
            if row is None or match is None or not match.paths:
                continue
            others, _ = loosest.find(row, *search.least(row))
            if len(others) > 1:
                search.rows[row] = _unclear(others, loosest.parts)
                # These may be meant by other rows than their own, then.
                waiting += others[:_MOST_CANDIDATES]
                search.contested.update(others[:_MOST_CANDIDATES])

    def _base(
        self,
        search: _Search,
        offers: Mapping[tuple[str, ...], tuple[list[int], int]],
        parts: Sequence[tuple[str, ...]],
    ) -> tuple[str, ...] | None:
        """Return the folder that the rows' paths begin in, where some have files in several.

        It is one below which every row has its file: the root, the folder of the table, one with
        the split in its name that the table's name has.
        """
        if all(len(files) == 1 for files, _ in offers.values()):
            return None
        counts: Counter[tuple[str, ...]] = Counter()
        for files, depth in offers.values():
            counts.update({parts[file][: len(parts[file]) - depth] for file in files})
        whole = [base for base, n in counts.items() if n == len(offers)]
        if () in whole:
            return ()
        if search.folder in whole:
            return search.folder
        if search.split:
            named = [base for base in whole if split_word(base) == search.split]
            if len(named) == 1:
                return named[0]
        return None

    def _differ(self, row: tuple[str, ...], file: tuple[str, ...], depth: int) -> bool:
        """Return whether the folders that are not compared say that it is another split."""
        of_row = _split_of(row[: len(row) - depth])
        of_file = _split_of(self._root_name + file[: len(file) - depth])
        return bool(of_row and of_file) and of_row != of_file

    def _kinds(self, way: _Way, row: tuple[str, ...], depth: int) -> tuple[str, ...]:
        kinds = [way.kind] if way.kind in KINDS else []
        rest = row[: len(row) - depth]
        if rest and rest != self._root[-len(rest) :]:
            kinds.append(ROOT)
        return tuple(kinds)


def _unclear(files: Sequence[int], parts: Sequence[tuple[str, ...]]) -> Match:
    given = files if len(files) <= _MOST_GIVEN else files[:3]
    return Match(
        candidates=tuple("/".join(parts[file]) for file in given),
        has_all=len(given) == len(files),
        reason=f"{len(files):,} files have that name; give the path",
    )


@lru_cache(maxsize=65536)
def _split_of(parts: tuple[str, ...]) -> str:
    return split_word(parts)


def _n_common_folders(rows: Iterable[tuple[str, ...]]) -> int:
    """Return how many folders all rows begin with."""
    common: tuple[str, ...] | None = None
    for row in rows:
        folders = row[:-1]
        if common is None:
            common = folders
        elif folders[: len(common)] != common:
            n = 0
            while n < min(len(common), len(folders)) and common[n] == folders[n]:
                n += 1
            common = common[:n]
        if not common:
            return 0
    return len(common or ())
