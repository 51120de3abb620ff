"""Foreign text, escaped so that pages show it unchanged.

Streamlit reads Markdown in captions, labels, metrics, tables, messages and tooltips. Names of
classes, files, data sets, runs and models, and sentences that hold them, are data: without this
`2. Melanoma` is a list, `$x$` a formula, and an image in a run's title is fetched from elsewhere.
"""

import re
from contextlib import suppress
from pathlib import Path

from medrecog_core.errors import MedrecogError
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_viewer

_NOT_SHOWN = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

# Links, emoji, icons and arrows are looked for after references were decoded, in each piece of text
# by itself: these have to be two pieces.
_GAPS = re.compile(
    r"""
      (?<=:)(?=[\w+-]+:|//)      # :smile:, :material_home:, http://
    | (?<=@)                     # name@example.org
    | (?<=www)(?=\.|\Z)          # www.example.org
    | (?<=-)(?=[->])             # --, ->
    | (?<=<)(?=[-=])             # <-, <=
    | (?<=[>~])(?==)             # >=, ~=
    """,
    re.VERBOSE | re.IGNORECASE,
)
_GAP = "\0"
_EMPTY_SPAN = ":small{}"  # not `:small[]`: `st.badge` escapes brackets

# What Markdown or Streamlit's additions to it read, and what they cut off at the ends of a line.
_READ = re.compile(
    r"""
      [\\`*{}\[\]<>#!|~$&@\t\n\r\f]
    | :(?!\ )
    | (?<![^\W_])_ | _(?![^\W_])            # but for one inside a word
    | \A[-+=()]
    | \A\d(?=\d*(?:[.)]|\Z))                # the number of a list's item
    | \A[ \u00a0-\uffff](?<=\s) | [ \u00a0-\uffff](?<=\s)\Z
    """,
    re.VERBOSE,
)


def literal(text: object) -> str:
    """Return Markdown that Streamlit shows as exactly this text."""
    plain = _NOT_SHOWN.sub("\N{REPLACEMENT CHARACTER}", str(text))
    written = _READ.sub(lambda found: f"&#{ord(found[0])};", _GAPS.sub(_GAP, plain))
    return written.replace(_GAP, _EMPTY_SPAN)


def literal_error(message: object) -> str:
    """Return the Markdown of an error message; a read-only view names no folder of the server."""
    text = str(message)
    with suppress(MedrecogError):  # a setting is wrong, which is what the message says
        for place in (cache_folder().root, Path.home()) if is_viewer() else ():
            text = text.replace(f"{place}/", "").replace(str(place), "the cache folder")
    return literal(text)
