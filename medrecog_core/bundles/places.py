"""Local folders, whose names are removed from what is shared."""

from pathlib import Path
from typing import Any

from medrecog_core.locations import cache_folder

_PROGRAM = Path(__file__).parents[2]


class Places:
    """The folders of a run's images, the cache and the program.

    Names of folders may identify patients, users and clinics.

    Parameters
    ----------
    root
        Root of the data set of the run.
    """

    def __init__(self, root: Path) -> None:
        places = {root, cache_folder().root, _PROGRAM, Path.home()}
        named = [str(place) for place in places if place != Path(place.anchor)]
        # A folder before its parents.
        self._places = sorted(named, key=len, reverse=True)

    def left_out_of(self, document: Any) -> Any:
        """Return JSON values with every path made relative to its place."""
        if isinstance(document, str):
            for place in self._places:
                document = document.replace(f"{place}/", "")
            return document
        if isinstance(document, dict):
            return {key: self.left_out_of(value) for key, value in document.items()}
        if isinstance(document, list | tuple):
            return [self.left_out_of(value) for value in document]
        return document
