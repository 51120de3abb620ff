import threading

import numpy as np
import pytest
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info, threadpool_limits

from medrecog_core.classification.threads import each_on_one_core, n_cores


def blas_threads():
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def test_results_come_in_the_order_of_the_items():
    assert each_on_one_core(lambda i: i * i, range(20), n_threads=4) == [i * i for i in range(20)]


def test_blas_has_one_thread_meanwhile_and_its_own_number_afterwards():
    with threadpool_limits(2, user_api="blas"):
        np.ones((2, 2)) @ np.ones((2, 2))
        before = blas_threads()
        assert each_on_one_core(lambda _: blas_threads(), range(3), n_threads=2) == [{1}] * 3
        assert blas_threads() == before


def test_work_inside_work_takes_no_more_threads():
    def outer(_):
        mine = threading.get_ident()
        return all(i == mine for i in each_on_one_core(lambda _: threading.get_ident(), range(4)))

    assert each_on_one_core(outer, range(3), n_threads=2) == [True] * 3


def test_two_callers_at_a_time_both_keep_the_limit():
    entered, leave = threading.Event(), threading.Event()
    seen = []

    def wait(_):
        entered.set()
        leave.wait(10)

    with threadpool_limits(2, user_api="blas"):
        first = threading.Thread(target=each_on_one_core, args=(wait, range(2), 2))
        first.start()
        entered.wait(10)
        seen.append(each_on_one_core(lambda _: blas_threads(), range(2), n_threads=2))
        seen.append(blas_threads())
        leave.set()
        first.join(10)
        assert seen == [[{1}] * 2, {1}]
        assert blas_threads() == {2}


def test_error_of_a_piece_reaches_the_caller_and_lifts_the_limit():
    def fail(i):
        raise ValueError(f"piece {i}")

    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(ValueError, match="piece 0"):
            each_on_one_core(fail, range(2), n_threads=2)
        assert blas_threads() == {2}


def test_this_process_has_a_core():
    assert n_cores() >= 1
