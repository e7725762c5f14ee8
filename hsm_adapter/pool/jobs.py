"""A batch on its way through the devices, in slices. Used under the pool's lock, but for the waiting."""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hsm_adapter.api import Holding, VerifyAnswer
from hsm_adapter.pool.fair import Group
from trust.kernel.errors import TrustError

MAX_SLICE_MESSAGES = 4
"""Most messages that one session signs before the next lane has its turn. Small enough that the verification of one
slice and the signing of the next overlap, large enough that handing over costs little beside a device's millisecond."""


@dataclass(slots=True, eq=False)
class Slice:
    """Some messages of a batch, signed by one session in one call."""

    job: "Job"
    start: int
    count: int
    member: str = ""
    started: float = 0.0
    seconds: float = 0.0
    in_call: bool = False
    hung: bool = False
    trial: bool = False
    stale: bool = False
    """Given up on: another slice stands in its place, and whatever its device still answers is dropped."""
    values: Sequence[bytes] | None = None

    @property
    def messages(self) -> Sequence[bytes]:
        """The messages to sign, in order."""
        return self.job.messages[self.start : self.start + self.count]


class Job:
    """One batch: who may sign it, what is there already, and how it ended."""

    def __init__(
        self,
        holdings: Mapping[str, Holding],
        messages: Sequence[bytes],
        *,
        lane: str,
        verify: VerifyAnswer,
    ) -> None:
        """`holdings` tells for each device that has the key where it lies there."""
        self.holdings = holdings
        self.messages = messages
        self.lane = lane
        self.verify = verify
        self.slices: list[Slice] = []
        self.excluded: set[str] = set()
        self.error: TrustError | None = None
        self.done = False
        self.turn = threading.Event()
        self._answers: deque[tuple[Slice, Sequence[bytes]]] = deque()

    @property
    def group(self) -> Group:
        """The devices that may still sign it."""
        return Group(self.holdings) - self.excluded

    def cut(self, sessions: int) -> Sequence[Slice]:
        """Cut the batch so that `sessions` have work, in slices of at most `MAX_SLICE_MESSAGES`."""
        total = len(self.messages)
        size = min(MAX_SLICE_MESSAGES, max(1, -(-total // max(1, sessions))))
        self.slices = [Slice(self, start, min(size, total - start)) for start in range(0, total, size)]
        return self.slices

    def exclude(self, member: str) -> None:
        """Drop all that a device signed or is signing of this batch: nothing of a device that failed is released."""
        self.excluded.add(member)
        for number, done in enumerate(self.slices):
            if done.member == member:
                done.stale = True
                self.slices[number] = Slice(self, done.start, done.count)

    def unassigned(self) -> list[Slice]:
        """Return the slices that no device has."""
        return [waiting for waiting in self.slices if not waiting.member]

    def answered(self, answered: Slice, values: Sequence[bytes]) -> None:
        """Keep what a device answered until somebody verifies it: the one who waits, or a helper."""
        self._answers.append((answered, values))
        self.turn.set()

    def to_verify(self) -> tuple[Slice, Sequence[bytes]] | None:
        """Remove and return an answer that nobody verifies yet; any thread may ask."""
        try:
            return self._answers.popleft()
        except IndexError:
            return None

    def complete(self) -> bool:
        """Tell whether every slice is signed."""
        return all(done.values is not None for done in self.slices)

    def finish(self, error: TrustError | None = None) -> None:
        """End the job; the one who waits for it goes on."""
        self.error = error
        self.done = True
        self.turn.set()

    def result(self) -> list[bytes]:
        """Return the signatures in the order of the messages. Raises what ended the job."""
        if self.error is not None:
            raise self.error
        return [value for done in self.slices for value in done.values or ()]
