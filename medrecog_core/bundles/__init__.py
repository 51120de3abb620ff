"""Bundles: runs and their data sets in one file, to import in another medrecog installation."""

from medrecog_core.bundles.contents import PICTURES, BundleContents, read_contents
from medrecog_core.bundles.opening import open_bundle
from medrecog_core.bundles.writing import BundleWriting, write_bundle

__all__ = [
    "PICTURES",
    "BundleContents",
    "BundleWriting",
    "open_bundle",
    "read_contents",
    "write_bundle",
]
