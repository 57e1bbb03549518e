"""The queue under random use: nothing lost, nothing twice, order kept, turns fair."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Busy
from engine.jobs.queue import JobQueue, Priority


@dataclass(eq=False)
class Ticket:
    origin: str
    priority: Priority
    number: int
    turns: int
    source_bytes: int = 0


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "take", "remove"]),
        st.sampled_from("abc"),
        st.sampled_from(list(Priority)),
        st.integers(1, 3),
    ),
    max_size=300,
)


@settings(max_examples=200, deadline=None)
@given(ACTIONS)
def test_every_job_is_taken_once_a_turn_in_order(
    actions: list[tuple[str, str, Priority, int]],
) -> None:
    queue: JobQueue[Ticket] = JobQueue(capacity=60, reserved=10)
    waiting: dict[tuple[Priority, str], deque[Ticket]] = {}
    numbers = itertools.count()
    for action, origin, priority, turns in actions:
        if action == "add":
            ticket = Ticket(origin, priority, next(numbers), turns)
            try:
                queue.admit(ticket)
            except Busy:
                assert len(queue) >= 50
                continue
            queue.put(ticket)
            waiting.setdefault((priority, origin), deque()).append(ticket)
        elif action == "take" and not queue.idle():
            taken = queue.take()
            assert isinstance(taken, Ticket)
            best = min(level for (level, _), line in waiting.items() if line)
            assert taken.priority == best
            line = waiting[taken.priority, taken.origin]
            assert line.popleft() is taken
            taken.turns -= 1
            if taken.turns:
                queue.put_back(taken)
                line.appendleft(taken)
            else:
                queue.release(taken)
        elif action == "remove":
            line = waiting.get((priority, origin), deque())
            if line:
                ticket = line[turns % len(line)]
                line.remove(ticket)
                assert queue.remove(ticket)
                assert not queue.remove(ticket)
        assert len(queue) == sum(map(len, waiting.values()))
    left = {id(ticket) for ticket in queue.drain()}
    assert left == {id(ticket) for line in waiting.values() for ticket in line}
    assert len(queue) == 0


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 40), min_size=2))
def test_origins_take_turns(jobs: dict[str, int]) -> None:
    queue: JobQueue[Ticket] = JobQueue()
    for origin, count in jobs.items():
        for number in range(count):
            ticket = Ticket(origin, Priority.INTERACTIVE, number, 1)
            queue.admit(ticket)
            queue.put(ticket)
    left = Counter(jobs)
    while not queue.idle():
        served = set()
        for _ in range(sum(count > 0 for count in left.values())):
            taken = queue.take()
            assert isinstance(taken, Ticket)
            served.add(taken.origin)
            left[taken.origin] -= 1
            queue.release(taken)
        assert all(origin in served or left[origin] == 0 for origin in jobs)
