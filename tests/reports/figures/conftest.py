"""The rows of what a chart draws."""

import pytest


@pytest.fixture
def rows_of():
    """Give a function that returns the rows of a chart's only table, or of all its tables."""

    def rows(chart):
        document = chart.to_dict()
        return [row for table in document["datasets"].values() for row in table]

    return rows
