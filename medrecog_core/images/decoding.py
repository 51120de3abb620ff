"""How many images a process decodes at a time: a server that many people use, one."""

import threading
from contextlib import AbstractContextManager, nullcontext

_lock = threading.RLock()
_bounded = threading.Event()


def decode_one_at_a_time() -> None:
    """Let this process decode one image at a time, because a large one takes half a gigabyte."""
    _bounded.set()


def decoding_turn() -> AbstractContextManager[object]:
    """Return the turn to decode an image and make it small; a thread may take it twice."""
    return _lock if _bounded.is_set() else nullcontext()
