# SPDX-License-Identifier: Apache-2.0
"""The worker's one-slot mailbox: the newest item wins and every item is accounted for."""

import threading
import time
from itertools import count

import pytest

from fer_ros.runtime.mailbox import MailboxWorker

WAIT = 10.0


class Work:
    """Work that says when it begins and waits until it may end."""

    def __init__(self):
        self.done = []
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def __call__(self, item):
        self.begun.release()
        assert self.may_end.acquire(timeout=WAIT)
        self.done.append(item)

    def wait_begun(self):
        assert self.begun.acquire(timeout=WAIT)


def unexpected(error):
    raise AssertionError from error


@pytest.fixture
def make():
    workers = []

    def start(work, **options):
        workers.append(MailboxWorker(work, unexpected, **options))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        worker.stop()


def until(condition):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_newest_wins(make):
    work = Work()
    worker = make(work)
    worker.put(0)
    work.wait_begun()
    for item in range(1, 6):
        worker.put(item)
    work.may_end.release(2)
    until(lambda: worker.processed == 2)
    assert work.done == [0, 5]
    assert worker.counts() == (6, 2, 4)


def test_newest_of_each_sender_by_turns(make):
    """However many one sends, the others have their turn, and nobody's item is another's."""
    work = Work()
    worker = make(work)
    worker.put("a0", "a")
    work.wait_begun()
    for item in ("b1", "a1", "b2", "c1", "a2", "a3"):
        worker.put(item, item[0])
    worker.drop("c")
    worker.drop("nobody")
    work.may_end.release(3)
    until(lambda: worker.processed == 3)
    assert work.done == ["a0", "b2", "a3"]
    assert worker.counts() == (7, 3, 4)


def test_what_waits_at_stop_is_dropped(make):
    work = Work()
    worker = make(work)
    worker.put("in work")
    work.wait_begun()
    worker.put("waits")
    stop = threading.Thread(target=worker.stop)
    stop.start()
    until(lambda: worker.dropped == 1)
    assert stop.is_alive(), "stop() waits for the item in work"
    work.may_end.release()
    stop.join(WAIT)
    assert work.done == ["in work"]
    assert worker.counts() == (2, 1, 1)


def test_items_before_start_and_after_stop_are_dropped():
    done = []
    worker = MailboxWorker(done.append, unexpected)
    worker.put(1)
    worker.stop()
    worker.put(2)
    assert worker.counts() == (2, 0, 2)
    worker.start()
    worker.put(3)
    until(lambda: done == [3])
    worker.stop()
    worker.stop()
    assert worker.counts() == (3, 1, 2)


def test_starts_again_with_its_counts(make):
    done = []
    worker = make(done.append)
    for round_ in range(5):
        worker.put(round_)
        until(lambda: len(done) == round_ + 1)  # noqa: B023 - called at once
        worker.stop()
        worker.start()
    assert done == list(range(5))
    assert worker.counts() == (5, 5, 0)


def test_one_waits_at_most_under_overload(make):
    """However fast items come, there is no queue, and the last one is not forgotten."""
    done = []

    def work(item):
        time.sleep(0.005)
        done.append(item)

    worker = make(work)
    for item in range(200):
        worker.put(item)
        received, processed, dropped = worker.counts()
        assert received - processed - dropped <= 2, "one in work, one that waits"
        time.sleep(0.001)
    until(lambda: done[-1:] == [199])
    worker.stop()
    received, processed, dropped = worker.counts()
    assert received == 200 == processed + dropped
    assert done == sorted(set(done))


def test_max_rate_takes_the_newest_at_its_turn(make):
    done = []
    worker = make(done.append, max_rate=20.0)
    began = time.monotonic()
    items = count()
    while len(done) < 6:
        assert time.monotonic() - began < WAIT
        worker.put(next(items))
        time.sleep(0.002)
    assert time.monotonic() - began >= (6 - 1) / 20
    worker.stop()
    assert done == sorted(set(done))
    assert worker.received == worker.processed + worker.dropped


def test_max_rate_may_change_and_does_not_delay_stop(make):
    done = []
    worker = make(done.append, max_rate=0.01)
    worker.put(1)
    until(lambda: done == [1])
    worker.put(2)
    began = time.monotonic()
    worker.stop()
    assert time.monotonic() - began < WAIT
    assert done == [1]
    worker.max_rate = 0.0
    worker.start()
    worker.put(3)
    until(lambda: done == [1, 3])


def test_what_raises_is_told_and_the_next_is_looked_at():
    told, done = [], []

    def work(item):
        if item == 1:
            raise KeyError("one")
        done.append(item)

    worker = MailboxWorker(work, told.append)
    worker.start()
    for item in (1, 2):
        worker.put(item)
        until(lambda: worker.processed == item)  # noqa: B023 - called at once
    assert worker.stop()
    assert [type(error) for error in told] == [KeyError]
    assert done == [2]


def test_commands_come_between_two_items(make):
    work, order = Work(), []
    worker = make(lambda item: (work(item), order.append(item)))
    worker.put("first")
    work.wait_begun()
    worker.put("second")
    worker.call("tune", lambda: order.append("an older value"))
    worker.call("reset", lambda: order.append("reset"))
    worker.call("tune", lambda: order.append("the newest value"))
    assert order == [], "nobody waits for the item in work"
    work.may_end.release(2)
    until(lambda: worker.processed == 2)
    assert order == ["first", "reset", "the newest value", "second"]


def test_commands_are_done_at_once_while_at_rest():
    order = []
    worker = MailboxWorker(order.append, unexpected)
    worker.call("tune", lambda: order.append("tuned"))
    assert order == ["tuned"]


def test_a_command_does_not_wait_for_an_item(make):
    done = []
    worker = make(done.append, max_rate=0.01)
    worker.call("tune", lambda: done.append("tuned"))
    until(lambda: done == ["tuned"])


def test_what_hangs_is_given_up_and_counted():
    work, done = Work(), []
    worker = MailboxWorker(lambda item: (work(item), done.append(item)), unexpected)
    worker.start()
    worker.put(1)
    work.wait_begun()
    worker.put(2)
    worker.call("reset", lambda: done.append("never"))
    assert not worker.stop(0.05)
    assert worker.counts() == (2, 0, 2)
    assert not worker.busy()
    hung = next(t for t in threading.enumerate() if t.name == "mailbox")
    worker.start()
    worker.put(3)
    work.wait_begun()
    work.may_end.release(2)
    hung.join(WAIT)
    until(lambda: worker.processed == 1)
    assert worker.stop()
    assert worker.counts() == (3, 1, 2), "who comes back late is not counted twice"
    assert sorted(done) == [1, 3]


@pytest.mark.parametrize("rate", [0.01, 5e-324])  # 1 / rate: 100 s, and for ever
def test_a_higher_rate_holds_for_the_item_that_waits(make, rate):
    done = []
    worker = make(done.append, max_rate=rate)
    worker.put(1)
    until(lambda: done == [1])
    worker.put(2)
    time.sleep(0.1)  # until its turn is waited for: a change before that is found in passing
    worker.max_rate = 0.0
    until(lambda: done == [1, 2])
