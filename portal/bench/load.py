"""The load generator: wrk, with a script in Lua where requests differ, and what it costs itself.

wrk keeps its connections open and sends the next request as soon as an answer is there, on the same cores as the
service. Each run tells what it took of them, and what the service took: processor time does not depend on neighbours.
"""

import os
import re
import resource
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from trust.kernel.errors import InternalFault

SECONDS: Final = 3
"""One round, seconds."""

CONNECTIONS: Final = 32
"""Connections of a round: what a proxy in front of us keeps open."""

_RESULT: Final = "yinxin-bench"
_DONE: Final = f"""
local threads = {{}}
function setup(thread)
  table.insert(threads, thread)
  thread:set("number", #threads)
end
function done(summary, latency)
  local errors, jobs, failed = summary.errors, 0, 0
  for _, thread in ipairs(threads) do
    jobs, failed = jobs + (thread:get("jobs") or 0), failed + (thread:get("failed") or 0)
  end
  failed = failed + errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("{_RESULT} %d %d %d %d %.0f", summary.requests, summary.duration, jobs, failed,
    latency:percentile(99)))
end
"""
_ROTATION: Final = """
local ready, place = {}, 0
function init()
  for position, each in ipairs(items) do
    ready[position] = wrk.format(each.method, each.path, each.headers, each.body)
  end
end
function request()
  place = place % #ready + 1
  return ready[place]
end
"""


class WrkFailed(InternalFault):
    """wrk reported refused or failed requests: its figure would mean nothing."""

    code = "bench-requests-failed"
    title = "Requests of the benchmark failed."
    title_zh = "基准测试的请求未成功。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request that wrk sends."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One round: answers and finished jobs a second, the 99th percentile of the answers' times, processor time.

    `service_ms` and `generator_ms` are processor milliseconds for each answer.
    """

    rate: float
    jobs_rate: float
    p99_ms: float
    service_ms: float
    generator_ms: float


class Generator:
    """Runs wrk against one address and remembers every round."""

    def __init__(self, address: str, folder: Path) -> None:
        self._address = address
        self._folder = folder
        self.rounds: list[Outcome] = []

    def script(self, name: str, asks: Sequence[Ask]) -> Path:
        """Write the script that sends these requests in turn."""
        return self.program(name, f"local items = {{{','.join(map(_lua_ask, asks))}}}\n{_ROTATION}")

    def program(self, name: str, lua: str) -> Path:
        """Write a script; it counts what it finished in the global `jobs`, and what went wrong in `failed`."""
        path = self._folder / f"{name}.lua"
        path.touch(mode=0o600)  # it holds secrets
        path.write_text(lua + _DONE, "utf-8")
        return path

    def run(self, script: Path, *, connections: int = CONNECTIONS, threads: int = 1, seconds: int = SECONDS) -> Outcome:
        """Run one round. Raises `WrkFailed` when an answer was an error."""
        command = ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "-s", str(script), self._address]
        generator, service = _waited_for_seconds(), _running_seconds()
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  fixed arguments
        service, generator = _running_seconds() - service, _waited_for_seconds() - generator
        found = re.search(rf"{_RESULT} (\d+) (\d+) (\d+) (\d+) (\d+)", done.stdout)
        if found is None or int(found[4]) or not int(found[1]):
            raise WrkFailed(output=(done.stderr + done.stdout)[-500:])
        answers, elapsed = int(found[1]), int(found[2]) / 1e6
        outcome = Outcome(
            rate=answers / elapsed,
            jobs_rate=int(found[3]) / elapsed,
            p99_ms=int(found[5]) / 1e3,
            service_ms=service * 1e3 / answers,
            generator_ms=generator * 1e3 / answers,
        )
        self.rounds.append(outcome)
        return outcome

    def costs(self) -> str:
        """Return what the rounds cost for each answer, and forget them."""
        rounds, self.rounds = self.rounds, []
        service, generator = median(each.service_ms for each in rounds), median(each.generator_ms for each in rounds)
        return f"processor time for each answer: service {service:.2f} ms, wrk {generator:.2f} ms"


def lua_text(text: str) -> str:
    """Return a text as Lua reads it."""
    return f"[==[{text}]==]"


def lua_table(values: Mapping[str, str]) -> str:
    """Return a table of texts as Lua reads it."""
    return f"{{{','.join(f'[ {lua_text(name)} ]={lua_text(value)}' for name, value in values.items())}}}"


def _lua_ask(ask: Ask) -> str:
    body = "" if ask.body is None else f",body={lua_text(ask.body)}"
    return f"{{method={lua_text(ask.method)},path={lua_text(ask.path)},headers={lua_table(ask.headers)}{body}}}"


def _waited_for_seconds() -> float:
    """Return the processor time of all processes that we have waited for: wrk, once it has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _running_seconds() -> float:
    """Return the processor time of the processes below us that run: the service's."""
    tick = os.sysconf("SC_CLK_TCK")
    spent: dict[int, float] = {}
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        process = int(path.parent.name)
        parents[process] = int(fields[1])
        spent[process] = (int(fields[11]) + int(fields[12])) / tick
    return sum(seconds for process, seconds in spent.items() if _is_below_us(process, parents))


def _is_below_us(process: int, parents: Mapping[int, int]) -> bool:
    own = os.getpid()
    while process := parents.get(process, 0):
        if process == own:
            return True
    return False
