from medrecog_core.reports.latex import escape


def test_every_character_that_latex_reads_otherwise_is_escaped():
    assert escape("50 % of a_b & c#$") == r"50 \% of a\_b \& c\#\$"
    assert escape("\\") == r"\textbackslash{}"
    assert escape("<b>|") == r"\textless{}b\textgreater{}\textbar{}"
    assert escape("a---b -c") == "a-{}-{}-b -c"


def test_an_empty_line_ends_no_paragraph():
    assert escape("a\n\nb\t c") == "a b c"


def test_other_text_stays_as_it_is():
    assert escape("naïve “text”, 1 + 1") == "naïve “text”, 1 + 1"
