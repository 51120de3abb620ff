import html
import json
import random
import re
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.settings import MODE_VARIABLE, VIEWER
from medrecog_core.ui.plain_text import literal, literal_error
from tests.ui.conftest import Server

READ_BY_MARKDOWN = [
    *("$x$", "$$x$$", ":red[x]", ":small[x]{a=b}", "**x**", "__x__", "_x_", "a_b_c", "~~x~~"),
    *("2. Melanoma", "2.", "2", "2)", "- x", "+ x", "> x", "# x", "x #", "---", "a\n---", "a\n\nb"),
    *("<b>x</b>", "<!-- x -->", "&amp;", "&#35;", "`code`", "    code", "```\nx\n```", "a|b\n-|-"),
    *(
        "[x](http://x.org)",
        "![x](http://x.org/y.png)",
        "[x]: http://x.org",
        "[^1]",
        "<http://x.org>",
    ),
    *("http://x.org", "see www.x.org now", "WWW", "me@x.org", "mailto:me@x.org"),
    *(":material/home:", ":material_home:", ":smile:", ":+1:", ":streamlit:", ":help[x]"),
    *("a -> b", "<-", "<->", "--", "a -- b", ">=", "<=", "~=", "-->", "\\", "\\*", " x ", "(c)"),
    *("12:30:45", "melanoma, (left) 50 %", "Größe “1”", "x 😀", "\u202fx\u00a0", "x:y", "a: b"),
]
TOKENS = [
    *string.punctuation,
    *READ_BY_MARKDOWN,
    *("a", "1", "10", " ", "  ", "\n", "\t", "](", "![", "**", "://", "www.", ".org", "é", "::"),
]
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from(TOKENS)).map("".join))

# What Streamlit 1.67 and its plug-ins look for in each piece of text after it was parsed.
LOOKED_FOR_LATER = re.compile(
    r":\+1:|:-1:|:[\w-]+:|https?://|www\.|@[-\w]+\.|<->|->|<-|--|>=|<=|~=", re.ASCII | re.IGNORECASE
)


def pieces(written):
    return [html.unescape(piece) for piece in written.split(":small{}")]


@given(TEXTS)
def test_the_text_is_what_the_references_in_it_stand_for(text):
    shown = re.sub("[\0-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", text)
    assert "".join(pieces(literal(text))) == shown


@given(TEXTS)
def test_nothing_is_left_for_markdown_to_read(text):
    written = literal(text)
    bare = re.sub(r"&#\d+;|:small{}", " ", written)
    assert not re.search(r"[\\`*{}\[\]<>#!|~$&@\t\n\r]|:(?! )", bare)
    assert written == written.strip()
    assert not re.match(r"[-+=]|\d+[.)]|\d+\Z", written)
    assert not any(LOOKED_FOR_LATER.search(piece) for piece in pieces(written))


@given(TEXTS)
def test_it_can_be_sent_to_a_browser(text):
    literal(text).encode()


@pytest.mark.parametrize("text", ["NORMAL", "a_b-c (1).png", "There is no run “x”: choose one."])
def test_ordinary_names_and_sentences_stay_readable(text):
    assert literal(text) == text


def test_a_value_is_written_as_its_text():
    assert literal(ValueError("no `x`")) == "no &#96;x&#96;"


PAGE = """
import json
import numpy
import streamlit as st
from medrecog_core.ui.plain_text import literal

for i, text in enumerate(json.load(open({texts!r}))):
    m = literal(text)
    with st.container(key=f"text-{{i}}"):
        st.markdown(m)
        st.button(m, key=f"button {{i}}")
        st.table({{m: m}})
        if i < {n_everywhere}:
            st.markdown(f"**{{m}}**")
            st.caption(m)
            st.subheader(m, anchor=False)
            st.metric(m, m, m)
            st.expander(m)
            st.tabs([m])
            st.error(m)
            st.badge(m)
            st.progress(0.5, m)
            st.checkbox(m, key=f"checkbox {{i}}")
            st.radio(m, [m], key=f"radio {{i}}")
            st.pills(m, [m], key=f"pills {{i}}")
            st.selectbox(m, [text], key=f"selectbox {{i}}")
            st.image(numpy.zeros((2, 2, 3), "uint8"), m)
            st.popover(m, key=f"popover {{i}}")
st.button("last", help=literal({all_texts!r}))
"""
LOOK = """n => [...Array(n).keys()].map(i => {
    const box = document.querySelector(`.st-key-text-${i}`);
    const shown = '[data-testid=stMarkdownContainer], [data-testid=stCaptionContainer]';
    const made = 'a, img, code, pre, del, em, li, hr, h1, h2, h4, br, input, blockquote, table, '
        + '.katex, [role=img]';
    const found = [...box.querySelectorAll(shown)];
    return [
        found.map(each => each.innerText),
        found.flatMap(each => [...each.querySelectorAll(made)].map(x => x.outerHTML)),
        [...box.querySelectorAll('[data-testid=stSelectbox] input')].map(x => x.value),
    ];
})"""


def as_browsers_show(text):
    return re.sub(r"[ \t\n\r\f]+", " ", text).strip(" ")


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_browser_shows_exactly_the_text(browser, tmp_path):
    drawn = random.Random(0)
    several = ["".join(drawn.choices(TOKENS, k=drawn.randint(1, 6))) for _ in range(200)]
    texts = [*READ_BY_MARKDOWN, *(text for text in several if text.strip())]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    everything = " ".join(READ_BY_MARKDOWN)
    (tmp_path / "page.py").write_text(
        PAGE.format(
            texts=str(tmp_path / "texts.json"),
            n_everywhere=len(READ_BY_MARKDOWN),
            all_texts=everything,
        )
    )
    server = Server(tmp_path / "cache", str(tmp_path / "page.py"))
    try:
        page = browser.new_page()
        page.set_default_timeout(40_000)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.address)
        page.get_by_role("button", name="last").hover()
        tooltip = page.get_by_test_id("stTooltipContent")
        assert as_browsers_show(tooltip.inner_text()) == as_browsers_show(everything)
        # Parts of Streamlit's Markdown are loaded when something seems to need them.
        page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
        for text, (shown, made, chosen) in zip(texts, page.evaluate(LOOK, len(texts)), strict=True):
            assert {as_browsers_show(each) for each in shown} == {as_browsers_show(text)}
            assert made == []
            assert chosen in ([], [text.replace("\n", "")])  # a field of one line
        assert [url for url in asked if not url.startswith((server.address, "data:"))] == []
        page.close()
    finally:
        server.stop()


def test_errors_in_a_read_only_view_name_no_folder_of_the_server(monkeypatch, cache):
    message = f"{cache.root}/runs/r/state.json is damaged. {Path.home()}/x is full. {cache.root}"
    assert str(cache.root) in literal_error(message)
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    shown = literal_error(message)
    assert str(cache.root) not in shown
    assert str(Path.home()) not in shown
    assert "runs/r/state.json is damaged." in shown
