"""A data set and a finished run, made once and copied for every test that asks."""

from tests.textures import encoded, encoded_cache, finished, finished_cache, known, pictures

__all__ = ["encoded", "encoded_cache", "finished", "finished_cache", "known", "pictures"]
