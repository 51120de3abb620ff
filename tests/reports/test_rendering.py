import io
from xml.etree import ElementTree

import altair as alt
import pandas as pd
import pytest
from PIL import Image

from medrecog_core.reports.rendering import to_png, to_svg


@pytest.fixture
def chart():
    table = pd.DataFrame({"name": ['<script>&"', "b"], "value": [1, 2]})
    drawn = alt.Chart(table).mark_bar().encode(x="value:Q", y="name:N")
    return drawn.properties(width=200, height=80)


def test_svg_is_xml_in_which_labels_are_text(chart):
    svg = to_svg(chart)
    names = [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()]
    assert "script" not in names
    assert '<script>&"' in [element.text for element in ElementTree.fromstring(svg).iter()]


def test_svg_refers_to_nothing_and_names_nothing(chart):
    # Several stand in one page, where a name would be another's too.
    for element in ElementTree.fromstring(to_svg(chart)).iter():
        for name, value in element.attrib.items():
            assert name.rpartition("}")[2] not in ("id", "href")
            assert "url(" not in value


def test_png_has_so_many_pixels_for_one_of_the_chart(chart):
    small, large = (Image.open(io.BytesIO(to_png(chart, scale))).size for scale in (1, 3))
    assert small[0] > 200
    assert large == pytest.approx([3 * side for side in small], abs=3)


def test_what_a_chart_would_fetch_is_not_fetched():
    chart = alt.Chart("https://example.org/table.csv").mark_bar().encode(x="a:Q")
    with pytest.raises(ValueError, match=r"not allowed|denied|forbidden"):
        to_svg(chart)
