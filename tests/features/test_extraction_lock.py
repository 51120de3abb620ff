import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from medrecog_core.errors import StoppedError, StorageError
from medrecog_core.features.extraction_lock import extracting_alone, is_extracting
from medrecog_core.jobs.progress import ignore, never


def test_another_scale_or_source_is_not_waited_for(store, source):
    with (
        extracting_alone(source, 224, store, ignore, never),
        extracting_alone(source, 544, store, ignore, never),
        extracting_alone(replace(source, precision="bfloat16"), 224, store, ignore, never),
    ):
        pass


def test_the_second_waits_until_the_first_has_ended(store, source):
    waits, entered = threading.Event(), threading.Event()

    def second():
        with extracting_alone(source, 224, store, lambda _: waits.set(), never):
            entered.set()

    thread = threading.Thread(target=second)
    with extracting_alone(source, 224, store, ignore, never):
        thread.start()
        assert waits.wait(20)
        assert not entered.is_set()
    thread.join(20)
    assert entered.is_set()


def test_who_waits_can_be_stopped(store, source):
    told = []

    def second():
        with extracting_alone(source, 224, store, told.append, lambda: bool(told)):
            pytest.fail("two extracted at once")

    with ThreadPoolExecutor(1) as other, extracting_alone(source, 224, store, ignore, never):
        assert isinstance(other.submit(second).exception(20), StoppedError)
    assert [(p.stage.id, p.waits) for p in told] == [("wait-for-extraction-224", True)]


def test_an_error_lets_the_next_one_in(store, source):
    with pytest.raises(ZeroDivisionError), extracting_alone(source, 224, store, ignore, never):
        raise ZeroDivisionError
    with extracting_alone(source, 224, store, ignore, never):
        pass


def test_a_lock_that_cannot_be_made_gives_a_sentence(store, source):
    store.folder.with_name("features-locks").write_text("")
    with (
        pytest.raises(StorageError, match="Cannot write to"),
        extracting_alone(source, 224, store, ignore, never),
    ):
        pass


def test_the_store_takes_no_lock_for_an_entry(store, source):
    with extracting_alone(source, 224, store, ignore, never):
        assert store.check() == []


def test_it_is_known_whether_a_process_extracts(store, source):
    assert not is_extracting(store)
    with extracting_alone(source, 224, store, ignore, never):
        assert is_extracting(store)
    assert not is_extracting(store)
