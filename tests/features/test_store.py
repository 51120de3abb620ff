import pickle
import sqlite3
import subprocess
import sys
import textwrap
from dataclasses import astuple, fields, replace

import diskcache
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.errors import StorageError
from medrecog_core.features import (
    Cell,
    DescriptorKey,
    DescriptorSource,
    DescriptorStore,
)
from medrecog_core.features.cell import LOCAL
from medrecog_core.images import PLAIN, Image
from tests.renderings import RENDERINGS

KEY = DescriptorKey("a" * 64, "weights-1", "squeeze-1", "float32", "block5", 224, "average")
VECTOR = np.arange(512, dtype=np.float32) / 7

word = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
identities = (st.just(PLAIN) | RENDERINGS).map(lambda rendering: rendering.identity)
keys = st.builds(
    DescriptorKey, word, word, word, word, word, st.integers(224, 4000), word, identities
)
SOURCE = DescriptorSource("embedded", "squeeze-1", "float32")


@pytest.fixture
def store(tmp_path):
    with DescriptorStore(tmp_path / "features") as opened:
        yield opened
        assert opened.check() == []


def index(store):
    return sqlite3.connect(store.folder / "cache.db")


@given(keys, keys)
def test_keys_are_one_text_exactly_when_they_are_equal(one, other):
    assert (one.text == other.text) == (one == other)


@given(keys, st.sampled_from([f.name for f in fields(DescriptorKey)]))
def test_every_part_of_a_key_counts(key, part):
    value = getattr(key, part)
    changed = replace(key, **{part: value + 1 if isinstance(value, int) else value + "x"})
    assert changed.text != key.text
    n_parts = len(astuple(key)) - (not key.rendering)
    assert len(key.text.split("/")) == n_parts


def test_the_keys_of_plain_images_are_those_of_version_0_1_0():
    cell = Cell("block5", 224, "max")
    text = f"{'a' * 64}/embedded/squeeze-1/float32/block5/224/max"
    assert SOURCE.key("a" * 64, cell).text == text
    assert SOURCE.key_of(Image("any.png", "a" * 64), cell).text == text


@given(RENDERINGS | st.just(PLAIN), RENDERINGS | st.just(PLAIN))
def test_one_file_has_a_key_for_each_rendering(one, other):
    cell = Cell("block5", 224, "max")
    keys = [SOURCE.key_of(Image("1.tif", "a" * 64, rendering=r), cell) for r in (one, other)]
    assert (keys[0].text == keys[1].text) == (one == other)


def test_what_is_put_comes_back_equal(store):
    store.put([(KEY, VECTOR)])
    found = store.get(KEY, 512)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VECTOR)


def test_it_contains_what_was_put_and_nothing_else(store):
    assert KEY not in store
    store.put([(KEY, VECTOR)])
    assert KEY in store
    assert replace(KEY, scale=544) not in store


def test_other_processes_and_later_openings_see_it(store):
    store.put([(KEY, VECTOR)])
    with DescriptorStore(store.folder) as again:
        np.testing.assert_array_equal(again.get(KEY, 512), VECTOR)
        assert len(again) == 1


def test_large_vectors_come_back_too(store):
    long = np.random.default_rng(0).normal(size=50_000).astype(np.float32)
    store.put([(KEY, long)])
    np.testing.assert_array_equal(store.get(KEY, 50_000), long)


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_many_are_read_as_one_by_one(store, monkeypatch, at_once):
    monkeypatch.setattr("medrecog_core.features.store._ENTRIES_AT_ONCE", at_once)
    keys = [replace(KEY, sha256=f"{i:064x}") for i in range(8)]
    long = np.ones(512 * 100, np.float32)  # in a file of its own
    store.put([*((key, VECTOR + i) for i, key in enumerate(keys[:5])), (keys[6], long)])
    with index(store) as connection:
        connection.execute("UPDATE Cache SET tag = tag + 1 WHERE key = ?", (keys[2].text,))
    asked = [keys[7], *reversed(keys), keys[0]]
    for channels in (512, len(long)):
        expected = [store.get(key, channels) for key in asked]
        assert [each is None for each in expected].count(False) == (5 if channels == 512 else 1)
        for one, found in zip(expected, store.get_many(asked, channels), strict=True):
            np.testing.assert_array_equal(one, found)
    assert store.held(asked) == [key in store for key in asked]
    assert store.held(keys) == [True] * 5 + [False, True, False]


def test_unknown_key_is_a_miss(store):
    assert store.get(KEY, 512) is None


def test_vector_of_another_length_is_a_miss(store):
    store.put([(KEY, VECTOR)])
    assert store.get(KEY, 256) is None


@pytest.mark.parametrize("bad", [np.full(4, np.nan), np.full(4, np.inf), np.zeros((2, 2))])
def test_only_finite_vectors_are_kept_and_of_a_batch_all_or_none(store, bad):
    with pytest.raises(ValueError, match="finite vector"):
        store.put([(KEY, VECTOR), (replace(KEY, scale=544), bad)])
    assert len(store) == 0


class TestLocalDescriptors:
    KEY = replace(KEY, pooling=LOCAL)
    MAP = np.random.default_rng(0).uniform(size=(3, 4, 512)).astype(np.float16)

    def test_a_map_comes_back_equal_in_half_precision(self, store):
        store.put([(self.KEY, self.MAP)])
        found = store.get(self.KEY, 512)
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found, self.MAP)

    def test_it_lies_beside_the_descriptor_of_the_same_layer(self, store):
        store.put([(self.KEY, self.MAP), (KEY, VECTOR)])
        np.testing.assert_array_equal(store.get(KEY, 512), VECTOR)
        np.testing.assert_array_equal(store.get(self.KEY, 512), self.MAP)

    def test_a_map_of_other_channels_is_a_miss(self, store):
        store.put([(self.KEY, self.MAP)])
        assert store.get(self.KEY, 256) is None

    @pytest.mark.parametrize("bad", [VECTOR, np.full((1, 1, 4), np.inf)])
    def test_only_finite_maps_are_kept(self, store, bad):
        with pytest.raises(ValueError, match="finite map"):
            store.put([(self.KEY, bad)])

    def test_a_damaged_map_is_a_miss(self, store):
        large = np.ones((20, 20, 512), dtype=np.float16)
        store.put([(self.KEY, large)])
        (file,) = store.folder.rglob("*.val")
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
        assert store.get(self.KEY, 512) is None


def damage(value: bytes) -> list[bytes]:
    flipped = bytearray(value)
    flipped[-3] ^= 1
    return [b"", value[: len(value) // 2], bytes(flipped), b"\0" * len(value), value + b"more"]


@pytest.mark.parametrize("kind", range(5))
def test_damaged_entry_is_a_miss_and_can_be_put_again(store, kind):
    store.put([(KEY, VECTOR)])
    with index(store) as connection:
        (value,) = connection.execute("SELECT value FROM Cache").fetchone()
        connection.execute("UPDATE Cache SET value = ?", (damage(value)[kind],))
    assert store.get(KEY, 512) is None
    assert list(store.get_many([KEY], 512)) == [None]
    store.put([(KEY, VECTOR)])
    np.testing.assert_array_equal(store.get(KEY, 512), VECTOR)


@pytest.mark.parametrize("damaged", [b"", b"short"])
def test_damaged_value_file_is_a_miss(store, damaged):
    long = np.ones(50_000, dtype=np.float32)
    store.put([(KEY, long)])
    (file,) = store.folder.rglob("*.val")
    file.write_bytes(damaged)
    assert store.get(KEY, 50_000) is None
    store.put([(KEY, long)])
    np.testing.assert_array_equal(store.get(KEY, 50_000), long)


def test_vanished_value_file_is_a_miss(store):
    store.put([(KEY, np.ones(50_000, dtype=np.float32))])
    (file,) = store.folder.rglob("*.val")
    file.unlink()
    assert store.get(KEY, 50_000) is None
    store.put([(KEY, np.ones(50_000, dtype=np.float32))])


class Exploding:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_planted_pickle_is_a_miss_and_never_loaded(store):
    store.put([(KEY, VECTOR)])
    with index(store) as connection:
        # diskcache's mode 4: a pickled value.
        connection.execute("UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Exploding()),))
    assert store.get(KEY, 512) is None
    assert list(store.get_many([KEY], 512)) == [None]
    store.put([(KEY, VECTOR)])


def test_planted_object_array_is_a_miss(store):
    store.put([(KEY, VECTOR)])
    path = store.folder / "planted.npy"
    np.save(path, np.array([Exploding()], dtype=object), allow_pickle=True)
    content = path.read_bytes()
    path.unlink()
    import zlib

    with index(store) as connection:
        connection.execute("UPDATE Cache SET value = ?, tag = ?", (content, zlib.crc32(content)))
    assert store.get(KEY, 512) is None
    assert list(store.get_many([KEY], 512)) == [None]


def test_nothing_is_evicted_beyond_the_library_s_default_limit(tmp_path):
    with DescriptorStore(tmp_path / "features") as store:
        store._cache.reset("size_limit", 100_000)
        with DescriptorStore(store.folder) as again:
            for i in range(200):
                again.put([(replace(KEY, sha256=str(i)), np.ones(4096, dtype=np.float32))])
            assert len(again) == 200
            assert again.n_bytes > 2_000_000


def test_index_that_is_no_database_is_named(tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "cache.db").write_bytes(b"no database, though long enough to be read as one" * 99)
    with pytest.raises(StorageError, match=r"is damaged .*Delete that folder"):
        DescriptorStore(folder)


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"Cannot write to .*MEDRECOG_CACHE"):
        DescriptorStore(tmp_path / "file" / "features")


def test_folder_is_closed_to_other_users(store):
    assert store.folder.stat().st_mode & 0o077 == 0


def test_two_processes_may_write_at_once(store):
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        import numpy as np
        from medrecog_core.features import DescriptorKey, DescriptorStore
        with DescriptorStore(Path(sys.argv[1])) as store:
            for i in range(60):
                store.put(
                    (DescriptorKey(f"{i}-{j}", "w", "p", "float32", "block1", 224, "max"),
                     np.full(64, i, np.float32))
                    for j in range(5)
                )
        """
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, store.folder]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(store) == 300
    key = DescriptorKey("59-4", "w", "p", "float32", "block1", 224, "max")
    np.testing.assert_array_equal(store.get(key, 64), np.full(64, 59, np.float32))


whole_keys = st.builds(
    DescriptorKey,
    st.text("0123456789abcdef", min_size=64, max_size=64),
    word,
    word,
    word,
    word,
    st.integers(1, 4000),
    word,
    identities | st.just("window/0/255"),
)


@given(whole_keys)
def test_a_key_is_read_back_from_its_text(key):
    assert DescriptorKey.from_text(key.text) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        KEY.text.replace("a", "g", 1),
        KEY.text.replace("/224/", "/0224/"),
        KEY.text.replace("/224/", "/x/"),
        KEY.text.removesuffix("/average"),
        KEY.text.replace("/weights-1/", "//"),
        f"{KEY.text}/",
        f"v2/{KEY.text}",
    ],
)
def test_what_is_not_a_key_is_refused(text):
    with pytest.raises(ValueError):
        DescriptorKey.from_text(text)


def test_entries_have_their_keys_and_sizes_and_no_value_is_read(store, monkeypatch):
    local = replace(KEY, pooling=LOCAL, layer="block4")
    maps = np.ones((14, 14, 512), dtype=np.float16)  # large enough for a file of its own
    store.put([(KEY, VECTOR), (local, maps)])
    monkeypatch.setattr(diskcache.Cache, "get", None)
    monkeypatch.setattr(diskcache.Disk, "fetch", None)
    sizes = {entry.key: entry.n_bytes for entries in store.entries() for entry in entries}
    assert sizes.keys() == {KEY, local}
    for key, array in ((KEY, VECTOR), (local, maps)):
        assert 0 < sizes[key] - array.nbytes - 2 * len(key.text) < 256


def test_entries_come_some_at_a_time_and_may_be_deleted_meanwhile(store, monkeypatch):
    monkeypatch.setattr("medrecog_core.features.store._ENTRIES_AT_ONCE", 3)
    store.put((replace(KEY, scale=scale), VECTOR) for scale in range(1, 11))
    seen = []
    for entries in store.entries():
        assert len(entries) <= 3
        seen += [entry.key.scale for entry in entries]
        store.delete(entry.key for entry in entries if entry.key.scale % 2)
    assert seen == list(range(1, 11))
    left = [entry.key.scale for entries in store.entries() for entry in entries]
    assert left == [2, 4, 6, 8, 10]
    assert len(store) == 5


def test_deleting_gives_the_disk_back(store):
    keys = [replace(KEY, scale=scale) for scale in range(1, 301)]
    store.put((key, VECTOR) for key in keys)
    full = store.n_bytes
    store.delete([*keys, replace(KEY, scale=999)])
    assert len(store) == 0
    assert store.n_bytes < full / 4


def test_keys_of_a_newer_version_are_neither_listed_nor_deleted(store):
    store.put([(KEY, VECTOR)])
    with index(store) as other:
        other.execute("UPDATE Cache SET key = 'v2/' || key")
    assert [entry for entries in store.entries() for entry in entries] == []
    store.delete([KEY])
    assert len(store) == 1
