"""`yinxin bench`: medians of paired rounds, each figure beside its reference from the same run."""

PARTS = ("sm2", "guard", "ledger", "documents", "http", "sign-in", "code-flow", "introspection", "exchange", "pages")
"""What can be measured by itself, in the order in which it is."""

OVER_HTTP = frozenset(PARTS[4:])
"""The parts that need a load generator (wrk)."""
