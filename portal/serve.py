"""Runs the service: granian with several processes, and the housekeeping beside them."""

import multiprocessing
import resource
import socket
import threading

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings

from portal.home import Home
from portal.housekeeping import Housekeeping
from trust.config import Settings, hand_to_children
from trust.kernel.errors import NotReady

_BLOCKING_THREADS = 2  # per process: one waits for the disk while the other computes
_BACKLOG = 1024  # connections that may wait in a burst; more than the ten-fold peak of a county's verifications
_LARGEST_REQUEST_HEAD = 64 * 1024  # bytes; tokens are below 2 KiB


class AddressTaken(NotReady):
    """Another program listens where the service should, or the address is not this machine's."""

    code = "serving-address-taken"
    title = "The service cannot listen at its address."
    title_zh = "服务无法在配置的地址上监听。"
    remedy = "Stop what listens there, or set YINXIN_BIND and YINXIN_PORT to an address that is free."
    remedy_zh = "请停止占用该地址的程序，或将 YINXIN_BIND 与 YINXIN_PORT 设为可用地址。"


def serve(settings: Settings, *keepers: Housekeeping) -> None:
    """Serve until a signal ends it. The processes read the same settings again from the environment.

    Each of `keepers` gets a thread of its own: work that waits for other systems must not hold up the rest.
    Raises `AddressTaken`: the server's sockets would join those of another service, and share its callers.
    """
    _leave_no_core_files()
    _check_address(settings)
    home = Home(settings.home)
    for leftover in home.metrics.glob("*.db"):
        leftover.unlink()  # counters of processes that are gone
    hand_to_children(settings, metrics_folder=home.metrics)
    # A forked process would inherit our open database and whatever locks the housekeeping thread holds just then.
    multiprocessing.set_start_method("spawn", force=True)
    stop = threading.Event()
    threads = [
        threading.Thread(target=keeper.run, args=(stop,), name=f"housekeeping-{number}", daemon=True)
        for number, keeper in enumerate(keepers)
    ]
    for thread in threads:
        thread.start()
    try:
        Granian(
            "portal.wiring:served_application",
            factory=True,
            interface=Interfaces.WSGI,
            address=settings.bind,
            port=settings.port,
            workers=settings.workers,
            blocking_threads=_BLOCKING_THREADS,
            backlog=_BACKLOG,
            http=HTTPModes.http1,  # what a proxy speaks to us; the limit on the head below holds for it alone
            http1_settings=HTTP1Settings(max_buffer_size=_LARGEST_REQUEST_HEAD),
            websockets=False,
            respawn_failed_workers=True,
            log_access=False,
        ).serve()
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=10)


def _leave_no_core_files() -> None:
    """A core file would hold software keys in clear; the processes that are started inherit the limit."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _check_address(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    try:
        socket.create_server((settings.bind, settings.port), family=family).close()
    except OSError as error:
        raise AddressTaken(f"{settings.bind} port {settings.port}: {error.strerror}.", field="port") from None
