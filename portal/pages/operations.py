"""What machines ask: is the process alive, and can it work."""

from collections.abc import Callable, Sequence

import structlog
from flask import Blueprint

from trust.kernel.errors import NotReady, TrustError

Check = tuple[str, Callable[[], None]]
"""A name, and a call that raises when the part of this name cannot work."""

_log = structlog.get_logger("portal.readiness")


class ReadinessFailed(NotReady):
    """At least one part that the service needs cannot work now."""

    code = "readiness-failed"
    title = "The service is not ready."
    title_zh = "服务尚未就绪。"
    remedy = "The detail names the failing checks; the log has the reason of each."
    remedy_zh = "详情中列出未通过的检查项；日志中有各项原因。"


def blueprint(checks: Sequence[Check]) -> Blueprint:
    """Return the routes `/healthz` and `/readyz`."""
    routes = Blueprint("operations", __name__)

    @routes.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz")
    def readiness() -> dict[str, object]:
        failing = [name for name, check in checks if not _passes(name, check)]
        if failing:
            raise ReadinessFailed(f"Failing: {', '.join(failing)}.")
        return {"status": "ready", "checks": [name for name, _ in checks]}

    return routes


def _passes(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except TrustError as error:
        _log.warning("check failed", check=name, code=error.code, facts=error.facts)
        return False
    except Exception as error:  # noqa: BLE001  whatever it is, the part cannot work; only its kind is written down
        _log.warning("check failed", check=name, exception=type(error).__qualname__)
        return False
    return True
