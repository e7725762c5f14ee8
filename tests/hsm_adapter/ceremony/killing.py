"""Holds or resumes a ceremony and kills itself (SIGKILL) right after, or in the middle of, a line of the record.

Arguments: the medium, the folder of the papers, and after how many lines to die; 0 is never, a minus sign
in the middle of that line.
Papers stand for the custodians' own: the program under test never writes them.
"""

import json
import os
import signal
import sys
from pathlib import Path

from hsm_adapter.ceremony import holding, record
from hsm_adapter.ceremony.sitting import Hall
from tests.fakes import FixedClock
from tests.hsm_adapter.ceremony.acting import Actors, issuing_request, terms
from trust.kernel.randomness import SystemRandomness
from trust.typesetting import Typesetter


class WithPaper(Actors):
    def __init__(self, papers: Path) -> None:
        super().__init__()
        self._papers = papers
        if papers.exists():
            self.paper = {int(number): words for number, words in json.loads(papers.read_text()).items()}

    def show_secret(self, text: str) -> None:
        super().show_secret(text)
        self._papers.write_text(json.dumps(self.paper))


def _dying_after(lines: int) -> None:
    real, written = record.Record._write, [0]

    def write(self: record.Record, content: bytes) -> None:
        written[0] += 1
        if written[0] == -lines:
            os.write(self._descriptor, content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, content)
        if written[0] == lines:
            os.kill(os.getpid(), signal.SIGKILL)

    record.Record._write = write


def main() -> None:
    medium, papers, lines = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    if lines:
        _dying_after(lines)
    hall = Hall(
        folder=medium,
        stage=WithPaper(papers),
        clock=FixedClock(),
        randomness=SystemRandomness(),
        request=issuing_request(),
    )
    if (medium / record.RECORD).exists():
        holding.resume(hall, Typesetter())
    else:
        holding.begin(hall, terms(), Typesetter())


if __name__ == "__main__":
    main()
