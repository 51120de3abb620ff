"""What pages hand to Streamlit: names that are not the program's own go through `literal`."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILES = [
    PROJECT / "app.py",
    *sorted((PROJECT / "pages").glob("*.py")),
    *sorted((PROJECT / "medrecog_core/ui").rglob("*.py")),
]
FILES.remove(PROJECT / "medrecog_core/ui/datasets/adding_dataset.py")  # it is being written anew
READ_AS_MARKDOWN = {
    *("markdown", "caption", "write", "error", "warning", "info", "success", "toast", "badge"),
    *("title", "header", "subheader", "metric", "table", "tabs", "expander", "popover", "progress"),
    *("button", "download_button", "form_submit_button", "page_link", "checkbox", "toggle"),
    *("radio", "pills", "segmented_control", "spinner", "dialog", "status"),
}
PARAMETERS = {"label", "help", "text", "body", "value", "delta"}
ATTRIBUTES = {
    *("error", "title", "name", "label", "path", "layout", "reason", "stage", "group", "classes"),
    *("splits", "root", "words", "rule", "sample", "dataset", "predicted", "weights_title"),
    *("at_threshold", "message", "caption"),
}
VARIABLES = {
    *("error", "reason", "path", "asked", "sentence", "warning", "row", "answer", "positive"),
    *("predicted", "true", "chosen", "likeliest", "made"),
}
"""What names, and sentences that hold them, are called that are not the program's own."""
OWN = {"network.title", "page.title", "person.role.title"}
"""Attributes of that kind that are written in the program."""


def foreign(node):
    """Expressions that a text is made of, and that may be names."""
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        return  # a number
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if (called and called not in ("str", "map")) or any(map(_is_literal, node.args)):
            return
    if isinstance(node, (ast.IfExp, ast.GeneratorExp, ast.ListComp, ast.DictComp)):
        shown = {"body", "orelse", "elt", "value"}
        parts = [part for name, part in ast.iter_fields(node) if name in shown]
    elif isinstance(node, (ast.Name, ast.Attribute)):
        is_known = node.id in VARIABLES if isinstance(node, ast.Name) else node.attr in ATTRIBUTES
        if is_known and ast.unparse(node) not in OWN:
            yield node
        return
    else:
        parts = ast.iter_child_nodes(node)
    for part in parts:
        yield from foreign(part)


def _is_literal(node):
    return isinstance(node, ast.Name) and node.id == "literal"


def texts(tree):
    """Every argument that Streamlit reads as Markdown."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            kind = node.func.attr
            if kind in READ_AS_MARKDOWN:
                first = int(kind == "progress")
                if kind != "page_link":
                    yield from node.args[first : 3 if kind == "metric" else first + 1]
                yield from (each.value for each in node.keywords if each.arg in PARAMETERS)


def unescaped(source):
    return [
        f"{found.lineno}: {ast.unparse(found)}"
        for text in texts(ast.parse(source))
        for found in foreign(text)
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PROJECT).as_posix())
def test_names_go_through_literal(file):
    assert unescaped(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        'st.error(str(error), icon=":material/error:")',
        'st.caption(f"Of {image.label}")',
        'left.metric("Label", answer.label)',
        'st.button("x", help=run.title)',
        "st.markdown(', '.join(card.classes))",
        "st.progress(0.5, text=state.stage)",
        'st.markdown("a" + (f": {reason}" if reason else ""))',
        "st.table({key: each.reason for key, each in found.items()})",
    ],
)
def test_an_omission_is_found(source):
    assert len(unescaped(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "st.error(literal(error))",
        'st.caption(f"{literal(image.label)}, {estimate.value:.3f}")',
        "st.markdown(', '.join(map(literal, card.classes)))",
        "st.table({name: literal(value) for name, value in row.items()})",
        'st.selectbox("Class", dataset.classes)',
    ],
)
def test_what_is_right_is_no_omission(source):
    assert unescaped(source) == []
