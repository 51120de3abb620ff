from pathlib import Path

from medrecog_core.bundles.places import Places
from medrecog_core.locations import cache_folder


def test_paths_become_relative_wherever_they_stand():
    root = cache_folder().root / "datasets" / "made" / "images"
    document = {
        "skipped": [{"path": str(root / "a" / "1.png"), "reason": "damaged", "n": 1}],
        "error": f"The disk is full ({cache_folder().root / 'features' / 'x'}).",
        "nothing": None,
        "pairs": (("x", 1.5),),
    }
    assert Places(root).left_out_of(document) == {
        "skipped": [{"path": "a/1.png", "reason": "damaged", "n": 1}],
        "error": "The disk is full (features/x).",
        "nothing": None,
        "pairs": [["x", 1.5]],
    }


def test_the_root_of_the_disk_is_no_place():
    assert Places(Path("/")).left_out_of("/a/b: 1 / 2") == "/a/b: 1 / 2"
