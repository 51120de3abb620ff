"""Plain text in LaTeX documents."""

import re

_REPLACED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    # Other characters in LaTeX's usual font encoding.
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
}


def escape(text: str) -> str:
    """Return the text with all that LaTeX reads otherwise written so that it prints as it is."""
    # An empty line would end a caption, and two hyphens become a dash.
    text = re.sub(r"[ \t\n\r\f\v]+", " ", text)
    written = "".join(_REPLACED.get(character, character) for character in text)
    return re.sub("-(?=-)", "-{}", written)
