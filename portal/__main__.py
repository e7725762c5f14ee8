"""`python -m portal` is the `yinxin` command."""

from portal.cli import main

if __name__ == "__main__":  # the server's processes import this module under another name
    main()
