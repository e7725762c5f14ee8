"""The groups of the `yinxin` command; each is a thin shell around one service."""
