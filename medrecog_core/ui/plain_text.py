"""Text that is not the program's own, written so that pages show it as it is.

Streamlit reads Markdown in captions, labels, metrics, tables, messages and tooltips. Names of
classes, files, data sets, runs and models, and sentences that hold them, are data: without this
`2. Melanoma` is a list, `$x$` a formula, and an image in a run's title is fetched from elsewhere.
"""

import re
import string

# What Markdown, or Streamlit's additions to it, read wherever it is.
_ALWAYS = frozenset("\\`*_{}[]<>#!|~$&:@")
# What they read where a line or a document begins; a reference is no space that could be cut off.
_FIRST = frozenset(string.punctuation)
_LIST_NUMBER = re.compile(r"\d+(?=[.)]|\Z)")
_LINE_ENDS = frozenset("\t\n\r\f")

# An empty span. Links, emoji, icons and arrows are looked for after characters were decoded, in
# each piece of text by itself: it has to be two pieces.
_GAP = ":small[]"
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
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def literal(text: object) -> str:
    """Return Markdown that Streamlit shows as exactly this text.

    It can stand anywhere in Markdown but between backticks. Select boxes, data frames, charts,
    code, placeholders and `alt` show text as it is: there it must not be used.

    Parameters
    ----------
    text
        Any text, or a value whose `str` is meant. Line ends show as spaces, and what is no
        character, such as a byte of a file name that is not UTF-8, as U+FFFD.
    """
    plain = _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", str(text))
    gaps = {found.start() for found in _GAPS.finditer(plain)}
    number = _LIST_NUMBER.match(plain)
    written = []
    for i, character in enumerate(plain):
        if i in gaps:
            written.append(_GAP)
        is_first = i == 0 and (character in _FIRST or number is not None)
        is_end = i in (0, len(plain) - 1)
        if character in _ALWAYS or is_first or _is_cut_off(character, is_end):
            written.append(f"&#{ord(character)};")
        else:
            written.append(character)
    if len(plain) in gaps:
        written.append(_GAP)
    return "".join(written)


def _is_cut_off(character: str, is_end: bool) -> bool:
    # References to control characters beyond ASCII are none in Markdown.
    is_space = character == " " or (character.isspace() and ord(character) > 159)
    return character in _LINE_ENDS or (is_end and is_space)
