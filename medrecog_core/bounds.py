"""Bounds of documents from outside: their numbers and members."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

_YEAR_3000 = 32_503_680_000

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""From 0 to 1."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
Seconds = Annotated[float, Field(ge=0, lt=_YEAR_3000, allow_inf_nan=False)]
"""A duration."""
Timestamp = Annotated[float, Field(ge=0, lt=_YEAR_3000, allow_inf_nan=False)]
"""Seconds since 1970, before the year 3000."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""In hexadecimal."""

Text = Annotated[str, Field(max_length=100_000)]
"""Text that is shown: without surrogates, which are no characters."""

KNOWN_ONLY: Final = ConfigDict(extra="forbid", frozen=True)
"""Configuration of a document that has no other members than those declared."""
