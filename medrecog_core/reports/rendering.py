"""Charts as images, rendered locally."""

from typing import Any

from altair.typing import ChartType

PNG_SCALE = 2.0
"""PNG pixels per chart pixel, so that it prints well."""

_CONFIG = {"font": "Liberation Sans, Arial, Helvetica, sans-serif", "background": "white"}


def to_svg(chart: ChartType) -> str:
    """Return a chart as a self-contained SVG document."""
    import vl_convert

    svg: str = vl_convert.vegalite_to_svg(chart.to_dict(), **_options())
    return svg


def to_png(chart: ChartType, scale: float = PNG_SCALE) -> bytes:
    """Return a chart as a PNG image.

    Parameters
    ----------
    chart
        The chart.
    scale
        PNG pixels per chart pixel.
    """
    import vl_convert

    png: bytes = vl_convert.vegalite_to_png(chart.to_dict(), scale=scale, **_options())
    return png


def _options() -> dict[str, Any]:
    import altair

    # The Vega version of the chart; nothing may be fetched.
    version = ".".join(altair.SCHEMA_VERSION.split(".")[:2])
    return {"vl_version": version, "config": _CONFIG, "allowed_base_urls": []}
