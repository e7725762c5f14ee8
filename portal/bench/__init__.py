"""`yinxin bench`: medians of paired rounds, each figure beside its reference from the same run."""
