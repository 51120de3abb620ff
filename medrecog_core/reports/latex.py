"""Plain text in LaTeX documents."""

import re

_REPLACED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    # Characters that need commands in the default font encoding of LaTeX.
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
}


def escape(text: str) -> str:
    """Return the text with all special characters of LaTeX escaped."""
    # An empty line would end a caption, and two hyphens would become a dash.
    text = re.sub(r"[ \t\n\r\f\v]+", " ", text)
    written = "".join(_REPLACED.get(character, character) for character in text)
    return re.sub("-(?=-)", "-{}", written)
