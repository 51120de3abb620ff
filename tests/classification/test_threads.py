import threading

import pytest
import scipy.linalg  # noqa: F401
from threadpoolctl import threadpool_info

from medrecog_core.classification.threads import each_on_one_core, n_cores


def blas_threads():
    return {info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"}


def test_results_come_in_the_order_of_the_items():
    assert each_on_one_core(lambda i: i * i, range(20), n_threads=4) == [i * i for i in range(20)]


def test_blas_has_one_thread_meanwhile_and_its_own_number_afterwards():
    before = blas_threads()
    assert each_on_one_core(lambda _: blas_threads(), range(3), n_threads=2) == [{1}] * 3
    assert blas_threads() == before


def test_work_inside_work_takes_no_more_threads():
    def outer(_):
        mine = threading.get_ident()
        return all(i == mine for i in each_on_one_core(lambda _: threading.get_ident(), range(4)))

    assert each_on_one_core(outer, range(3), n_threads=2) == [True] * 3


def test_limit_holds_until_the_last_of_two_callers_leaves():
    before = blas_threads()
    first_entered, second_entered, second_may_leave = (threading.Event() for _ in range(3))
    seen = []

    def first(_):
        first_entered.set()
        second_entered.wait(10)

    def second(_):
        second_entered.set()
        second_may_leave.wait(10)
        seen.append(blas_threads())

    callers = [
        threading.Thread(target=each_on_one_core, args=(work, range(2), 2))
        for work in (first, second)
    ]
    callers[0].start()
    first_entered.wait(10)
    callers[1].start()
    callers[0].join(10)
    assert blas_threads() == {1}
    second_may_leave.set()
    callers[1].join(10)
    assert seen == [{1}] * 2
    assert blas_threads() == before


def test_error_of_a_piece_reaches_the_caller_and_lifts_the_limit():
    def fail(i):
        raise ValueError(f"piece {i}")

    before = blas_threads()
    with pytest.raises(ValueError, match="piece 0"):
        each_on_one_core(fail, range(2), n_threads=2)
    assert blas_threads() == before


def test_this_process_has_a_core():
    assert n_cores() >= 1
