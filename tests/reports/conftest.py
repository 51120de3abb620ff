"""A finished run, made once and copied for every test that asks."""

from tests.textures import finished, finished_cache, known, pictures

__all__ = ["finished", "finished_cache", "known", "pictures"]
