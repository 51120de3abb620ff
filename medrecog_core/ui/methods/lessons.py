"""The names of the lessons, and links to them from other pages."""

from urllib.parse import quote_plus

import streamlit as st

LESSON = "lesson"
"""The parameter of the address that names the open lesson."""

SVM = "Linear SVM"
CONVOLUTION = "Convolution"
INPUT_SIZE = "Input size"
POOLING = "Pooling"
ONE_VS_REST = "One-vs-rest"
FOLDS = "Cross-validation"


def lesson_links(*names: str) -> str:
    """Return Markdown links to lessons, which open beside the page and keep its form."""
    links = (f"[{name}](Methods?{LESSON}={quote_plus(name)})" for name in names)
    return f"Methods: {', '.join(links)}."


def show_sources(*sources: str) -> None:
    """Show where a lesson's method was published."""
    st.caption("Sources: " + "; ".join(sources) + ".")
