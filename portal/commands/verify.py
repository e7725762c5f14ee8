"""`yinxin verify`, with the installation's own PKI and library unless a folder of anchors is given."""

import click

from portal.wiring import open_installation
from trust.config import load_settings
from verifier.api import Verifier
from verifier.cli import verify_command


def _installed() -> Verifier:
    return open_installation(load_settings()).verifier


verify: click.Command = verify_command(_installed)
