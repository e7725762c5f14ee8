"""Fair queues: lanes take turns, so that one authority's flood delays another's request by one slice, not by the flood.

`FairQueue` holds the lanes of one set of devices. `Schedule` holds one such queue for each set of devices that hold a
key together; a device serves every set it belongs to in turn. What waits is never overtaken more than once by each
other lane of its queue and each other queue of its device, so nothing starves. Both are used under the pool's lock.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

Group = frozenset[str]
"""The names of the devices that may serve an item."""


class FairQueue(Generic[T]):
    """A queue of lanes served in turn, each lane in the order of arrival."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, deque[T]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._lanes)

    def __iter__(self) -> Iterator[T]:
        return (item for waiting in self._lanes.values() for item in waiting)

    def put(self, lane: str, item: T, *, first: bool = False) -> None:
        """Add an item to its lane: at the end, or before all others of the lane."""
        waiting = self._lanes.setdefault(lane, deque())
        (waiting.appendleft if first else waiting.append)(item)

    def take(self) -> T:
        """Remove and return the first item of the lane whose turn it is. Raises `KeyError` when nothing waits."""
        lane, waiting = self._lanes.popitem(last=False)
        item = waiting.popleft()
        if waiting:
            self._lanes[lane] = waiting  # its next turn is after everybody else's
        return item

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        """Remove every item that is unwanted."""
        for lane, waiting in list(self._lanes.items()):
            kept = deque(item for item in waiting if not unwanted(item))
            if kept:
                self._lanes[lane] = kept  # an existing lane keeps its turn
            else:
                del self._lanes[lane]


class Schedule(Generic[T]):
    """One fair queue for each set of devices."""

    def __init__(self) -> None:
        self._queues: OrderedDict[Group, FairQueue[T]] = OrderedDict()

    def put(self, group: Group, lane: str, item: T, *, first: bool = False) -> None:
        """Add an item that any device of `group` may serve."""
        self._queues.setdefault(group, FairQueue()).put(lane, item, first=first)

    def take(self, device: str) -> T | None:
        """Remove and return what `device` serves next; None when nothing waits for it."""
        for group, queue in self._queues.items():
            if device in group:
                item = queue.take()
                del self._queues[group]
                if queue:
                    self._queues[group] = queue
                return item
        return None

    def waiting(self, device: str) -> Iterator[T]:
        """Yield everything that `device` might serve."""
        for group, queue in self._queues.items():
            if device in group:
                yield from queue

    def groups(self) -> list[Group]:
        """Return the sets of devices that something waits for."""
        return list(self._queues)

    def take_all(self, group: Group) -> list[T]:
        """Remove and return everything that waits for exactly these devices."""
        return list(self._queues.pop(group, ()))

    def drop(self, unwanted: Callable[[T], bool]) -> None:
        """Remove every item that is unwanted."""
        for group, queue in list(self._queues.items()):
            queue.drop(unwanted)
            if not queue:
                del self._queues[group]
