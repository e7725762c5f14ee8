"""`yinxin bench`: medians of paired rounds, each figure beside its reference from the same run."""

PARTS = ("sm2", "guard", "documents", "http")
"""What can be measured by itself, in the order in which it is."""
