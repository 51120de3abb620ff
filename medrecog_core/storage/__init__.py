"""Contents of the cache folder, and deletion of cached features."""

from medrecog_core.storage.contents import FeatureGroup, Part, feature_groups, parts
from medrecog_core.storage.features import Freed, Selection, delete_features

__all__ = [
    "FeatureGroup",
    "Freed",
    "Part",
    "Selection",
    "delete_features",
    "feature_groups",
    "parts",
]
