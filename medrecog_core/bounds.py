"""Bounds of numbers in documents from outside."""

from typing import Annotated

from pydantic import Field

_YEAR_3000 = 32_503_680_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""From 0 to 1."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
Seconds = Annotated[float, Field(ge=0, lt=_YEAR_3000, allow_inf_nan=False)]
"""A duration."""
Timestamp = Annotated[float, Field(ge=0, lt=_YEAR_3000, allow_inf_nan=False)]
"""Seconds since 1970, before the year 3000."""
