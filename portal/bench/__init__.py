"""`yinxin bench`: medians of paired rounds, each figure beside its reference from the same run."""

_ALONE = ("sm2", "guard", "devices", "ledger", "documents")
_SERVED = ("http", "sign-in", "code-flow", "introspection", "exchange", "pages")

PARTS = (*_ALONE, *_SERVED)
"""What can be measured by itself, in the order in which it is."""

OVER_HTTP = frozenset(_SERVED)
"""The parts that need a load generator (wrk)."""
