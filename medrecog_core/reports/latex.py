"""Plain text in LaTeX documents."""

_REPLACED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
}


def escape(text: str) -> str:
    """Return the text with all that LaTeX reads otherwise written so that it prints as it is."""
    return "".join(_REPLACED.get(character, character) for character in text)
