"""`python -m portal` is the `yinxin` command."""

from portal.cli import main

main()
