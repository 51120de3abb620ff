import errno
import io
import socket

import numpy as np
import pytest
import requests

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.jobs import download as module
from medrecog_core.jobs.download import PAUSES, Download
from tests.file_server import Answer, serving

CONTENT = np.random.default_rng(0).bytes(1_000_000)
LARGEST = 2_000_000


@pytest.fixture
def part(tmp_path):
    return tmp_path / "file.h5.part"


def fetch(server, part, report=lambda done, total: None, largest=LARGEST):
    """Fetch without waiting, and return the pauses that were asked for."""
    pauses = []
    Download(f"{server.address}/file.h5", part).fetch(largest, report, pauses.append)
    return pauses


def test_a_file_comes_whole_and_progress_is_told(part):
    told = []
    with serving(CONTENT) as server:
        assert fetch(server, part, lambda *counts: told.append(counts)) == []
    assert part.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_a_cut_download_is_carried_on_and_not_begun_again(part):
    with serving(CONTENT, Answer(cut_after=400_000), Answer(cut_after=300_000)) as server:
        assert fetch(server, part) == list(PAUSES[:2])
        first, second, third = server.requests
    assert part.read_bytes() == CONTENT
    assert "Range" not in first
    starts = [int(r["Range"].removeprefix("bytes=").removesuffix("-")) for r in (second, third)]
    assert 300_000 < starts[0] <= 400_000 < starts[1] <= 700_000
    assert second["If-Range"] == third["If-Range"] == '"first"'
    # What was under way when the connection was cut comes twice, and nothing else.
    assert sum(server.sent) <= len(CONTENT) + 2 * 2**16


def test_a_later_call_carries_on_as_well(part):
    answers = [Answer(cut_after=100_000)] + [Answer(status=503)] * len(PAUSES)
    with serving(CONTENT, *answers) as server:
        with pytest.raises(
            MedrecogError, match=r"503 Service Unavailable.*already downloaded is kept"
        ):
            fetch(server, part)
        kept = part.stat().st_size
        assert 0 < kept <= 100_000
        told = []
        assert fetch(server, part, lambda *counts: told.append(counts)) == []
        assert server.requests[-1]["Range"] == f"bytes={kept}-"
        assert server.sent[-1] == len(CONTENT) - kept
    assert told[0] == (kept, len(CONTENT))
    assert part.read_bytes() == CONTENT


def test_a_server_without_range_begins_again(part):
    with serving(CONTENT, Answer(cut_after=400_000), Answer(knows_range=False)) as server:
        fetch(server, part)
        assert "Range" in server.requests[1]
        assert server.sent[1] == len(CONTENT)
    assert part.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_not_mixed(part):
    with serving(CONTENT[::-1], Answer(cut_after=400_000)) as server:

        def change(seconds):
            server.content, server.etag = CONTENT, '"second"'

        Download(server.address, part).fetch(LARGEST, lambda *_: None, change)
        assert server.requests[1]["If-Range"] == '"first"'
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_a_server_without_a_strong_etag_is_asked_without_if_range(part, etag):
    with serving(CONTENT, Answer(cut_after=400_000), etag=etag) as server:
        fetch(server, part)
        assert "If-Range" not in server.requests[1]
        assert server.sent[1] < len(CONTENT)
    assert part.read_bytes() == CONTENT


def test_another_mirror_is_not_asked_about_the_first_one_s_etag(part):
    first = serving(CONTENT, Answer(cut_after=400_000), etag='"a"')
    with first as server, pytest.raises(RuntimeError):
        Download(server.address, part).fetch(LARGEST, lambda *_: None, stop_waiting)
    with serving(CONTENT, etag='"b"') as second:
        fetch(second, part)
        assert "Range" in second.requests[0]
        assert "If-Range" not in second.requests[0]
    assert part.read_bytes() == CONTENT


def stop_waiting(seconds):
    raise RuntimeError("the process was killed here")


def test_a_server_that_carries_on_elsewhere_is_begun_with_again(part):
    with serving(CONTENT, Answer(cut_after=400_000), Answer(starts_late=7)) as server:
        assert len(fetch(server, part)) == 2
        assert "Range" not in server.requests[2]
    assert part.read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_left_alone(part):
    with serving(CONTENT) as server:
        fetch(server, part)
        assert fetch(server, part) == []
        assert server.sent == [len(CONTENT), 0]
    assert part.read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_fetched_again(part):
    part.write_bytes(CONTENT + b"more")
    with serving(CONTENT) as server:
        fetch(server, part)
    assert part.read_bytes() == CONTENT


def test_a_length_that_is_never_kept_ends_in_a_sentence(part):
    answers = [Answer(cut_after=100)] * (len(PAUSES) + 1)
    with serving(CONTENT, *answers) as server:
        with pytest.raises(MedrecogError, match=r"was interrupted"):
            fetch(server, part)
        assert len(server.requests) == len(PAUSES) + 1


def test_pauses_grow():
    assert list(PAUSES) == sorted(set(PAUSES))


def test_attempts_that_bring_much_are_not_counted(part, monkeypatch):
    monkeypatch.setattr(module, "_WORTH_IT_BYTES", 1000)
    answers = [Answer(cut_after=130_000)] * 7
    with serving(CONTENT, *answers) as server:
        assert fetch(server, part) == [PAUSES[0]] * 7
    assert part.read_bytes() == CONTENT


def test_a_length_that_is_not_said_is_reported_as_unknown(part):
    told = []
    with serving(CONTENT, Answer(says_length=False)) as server:
        fetch(server, part, lambda *counts: told.append(counts))
    assert part.read_bytes() == CONTENT
    assert {total for _, total in told} == {0}


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_not_there_is_not_asked_for_twice(part, status):
    with serving(CONTENT, Answer(status=status)) as server:
        with pytest.raises(
            MedrecogError, match=rf"file\.h5 \(the server answered {status} "
        ) as raised:
            fetch(server, part)
        assert len(server.requests) == 1
    assert str(raised.value).count(". ") <= 1
    assert not part.exists()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_asked_again(part, status):
    with serving(CONTENT, Answer(status=status)) as server:
        assert len(fetch(server, part)) == 1
    assert part.read_bytes() == CONTENT


def test_no_server_at_all_is_told_at_once(part):
    with serving(CONTENT) as server:
        pass
    with pytest.raises(
        MedrecogError, match=r"cannot be reached \(Connection refused\). Connect to the internet"
    ):
        fetch(server, part)
    assert not part.exists()


def test_a_name_that_does_not_resolve_is_told_at_once(part, monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    download = Download("http://nowhere.invalid/file.h5", part)
    with pytest.raises(MedrecogError, match=r"file\.h5 cannot be reached \(.*not known\). Conn"):
        download.fetch(LARGEST, lambda *_: None, stop_waiting)


@pytest.mark.parametrize("address", ["http://", "http://*bad*host/"])
def test_an_address_that_is_none_is_told_at_once(part, address):
    with pytest.raises(MedrecogError, match="cannot be reached"):
        Download(address, part).fetch(LARGEST, lambda *_: None, stop_waiting)


def test_a_server_that_goes_away_ends_in_a_sentence_and_leaves_the_part(part):
    with serving(CONTENT, Answer(cut_after=400_000)) as server:
        stopped = []

        def go_away(seconds):
            if not stopped:
                stopped.append(server.stop())

        with pytest.raises(
            MedrecogError,
            match=r"was interrupted 6 times, the last time after 0 MB \(Connection refused",
        ):
            Download(server.address, part).fetch(LARGEST, lambda *_: None, go_away)
        server.stop = lambda: None
    assert part.stat().st_size > 300_000
    assert CONTENT.startswith(part.read_bytes())


def test_a_server_that_falls_silent_is_asked_again(part, monkeypatch):
    answers = [requests.ReadTimeout("read timed out")]
    with serving(CONTENT) as server:
        get = requests.Session.get

        def silent(session, *arguments, **options):
            assert options["timeout"] == (10, 60)
            if answers:
                raise answers.pop()
            return get(session, *arguments, **options)

        monkeypatch.setattr(requests.Session, "get", silent)
        assert len(fetch(server, part)) == 1
    assert part.read_bytes() == CONTENT


def test_a_stream_without_end_is_ended(part):
    endless = serving(CONTENT, Answer(says_length=False))
    with endless as server, pytest.raises(MedrecogError, match="more than 0 MB, which is too much"):
        fetch(server, part, largest=300_000)
    assert not part.exists()


class FullDisk(io.FileIO):
    def write(self, content):
        if self.tell() > 200_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        # A disk that fills up takes part of what it is given first.
        return super().write(content[: len(content) // 2 + 1])


def test_a_full_disk_ends_in_a_sentence_and_what_came_is_kept(part, monkeypatch):
    monkeypatch.setattr(Download, "_opened", lambda self: FullDisk(self.part, "ab"))
    with serving(CONTENT) as server:
        with pytest.raises(
            StorageError, match=r"part \(No space left on device\). Free disk space"
        ):
            fetch(server, part)
        monkeypatch.undo()
        kept = part.read_bytes()
        assert len(kept) > 200_000
        assert CONTENT.startswith(kept)
        fetch(server, part)
        assert server.requests[1]["Range"] == f"bytes={len(kept)}-"
    assert part.read_bytes() == CONTENT


def test_a_folder_in_the_way_ends_in_a_sentence(part):
    part.mkdir()
    with serving(CONTENT) as server, pytest.raises(StorageError, match="Cannot write to"):
        fetch(server, part)


def test_removing_forgets_everything(part):
    with serving(CONTENT) as server:
        fetch(server, part)
        Download(server.address, part).remove()
    assert list(part.parent.glob("file*")) == []
