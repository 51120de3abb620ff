from medrecog_core.reports.latex import escape


def test_every_character_that_latex_reads_otherwise_is_escaped():
    assert escape("50 % of a_b & c#$") == r"50 \% of a\_b \& c\#\$"
    assert escape("\\") == r"\textbackslash{}"


def test_other_text_stays_as_it_is():
    assert escape("naïve “text”, 1 + 1") == "naïve “text”, 1 + 1"
