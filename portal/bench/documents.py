"""Figures of documents: stamping, issuing, verifying."""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator

from certs.face import Role
from certs.render import Renderer, RenderInput
from portal.bench.measure import Figure, Target, figure, wall_rate
from portal.bench.world import BenchWorld
from portal.demo import data
from seals.domain import Placement
from seals.stock_reference import StockSigner
from trust.formats.qr import VerificationLink
from trust.kernel.clock import calendar_day
from trust.kernel.identifiers import CertificateIdentifier, Uscc
from trust.keys import UseContext
from trust.typesetting import Typesetter

_TOKEN = "A" * 22  # as long as a real one
_THREADS = 3  # while one waits for the disk, another computes; the core is never idle
_SECONDS = 4.0


def document_figures(world: BenchWorld) -> Iterator[Figure]:
    """Stamp, issue and verify, each on one core."""
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    try:
        yield _stamping(world)
        yield _issuing(world)
        yield _verifying(world)
    finally:
        os.sched_setaffinity(0, everywhere)


def _stamping(world: BenchWorld) -> Figure:
    page = _pages(world)()
    stock = StockSigner(world.installation.foundation.clock.now())
    seals, seal_id = world.installation.seals, world.seal.seal_id
    placement = Placement(page=1, x_mm=100, y_mm=100)
    context = UseContext(principal="system:bench", why="benchmark")
    return figure(
        "stamp a PDF",
        "1/s",
        lambda: wall_rate(lambda: seals.stamp(seal_id, page, placement=placement, context=context)),
        reference=("stock pyHanko, P-256, invisible", lambda: wall_rate(lambda: stock.sign(page))),
        target=Target(ratio=3),
        note="elapsed, one core; vector seal, SM2, guard and ledger included",
    )


def _issuing(world: BenchWorld) -> Figure:
    principal, numbers = world.principal, itertools.count()
    render = _pages(world)

    def issue() -> None:
        number = next(numbers)
        world.installation.certs.issue(principal, world.issue_body(number).parse(f"bench-{number:08}"))

    return figure(
        "issue a certificate",
        "1/s",
        lambda: _threaded_rate(issue),
        reference=("rendering the page alone", lambda: wall_rate(render)),
        target=Target(rate=45),
        note=f"elapsed, one core, {_THREADS} threads; database, ledger, file and own verification in the loop",
    )


def _verifying(world: BenchWorld) -> Figure:
    installation, principal = world.installation, world.principal
    certificate = installation.certs.issue(principal, world.issue_body(0).parse("bench-verify"))
    pdf = installation.foundation.files.get(certificate.blob)
    return figure(
        "verify a file",
        "1/s",
        lambda: wall_rate(lambda: installation.verifier.verify_file(pdf)),
        target=Target(rate=80),
        note="elapsed, one core; all steps with the library's status",
    )


def _pages(world: BenchWorld) -> Callable[[], bytes]:
    """Return what renders a page, another one at each call."""
    installation = world.installation
    renderer = Renderer(Typesetter(installation.foundation.settings.font_paths), installation.catalogue)
    numbers = itertools.count(500_000)
    return lambda: renderer.render(_values(world, next(numbers)))


def _values(world: BenchWorld, number: int) -> RenderInput:
    installation = world.installation
    command = world.issue_body(number).parse("bench-page")
    contents, moment = command.contents, installation.foundation.clock.now()
    identifier = CertificateIdentifier.build(
        type_code=command.type_code, issuer=Uscc.parse(data.AUTHORITY), serial=f"BENCH{number:015}", version=1
    )
    common = {
        Role.HOLDER_NAME: contents.holder.name,
        Role.HOLDER_NUMBER: contents.holder.code.number,
        Role.NUMBER: contents.number,
        Role.VALID_FROM: command.valid_from.isoformat(),
        Role.VALID_TO: str(command.valid_to),
        Role.ISSUED_ON: command.valid_from.isoformat(),
    }
    kind = installation.catalogue.get(command.type_code)
    return RenderInput(
        face=kind.parse_face(contents.face, today=calendar_day(moment), common=common),
        identifier=identifier,
        authority=data.AUTHORITY_NAME_ZH,
        link=VerificationLink(
            base_url=installation.foundation.settings.public_url, identifier=identifier, token=_TOKEN
        ),
        moment=moment,
    )


def _threaded_rate(operation: Callable[[], None]) -> float:
    """Return operations per second of elapsed time over some threads."""
    operation()
    counts = [0] * _THREADS
    end = time.perf_counter() + _SECONDS

    def work(place: int) -> None:
        while time.perf_counter() < end:
            operation()
            counts[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(_THREADS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)
