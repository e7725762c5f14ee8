"""`yinxin verify`, with the installation's own PKI and library unless a folder of anchors is given."""

import click

from portal.commands.opening import opened
from verifier.api import Verifier
from verifier.cli import verify_command


def _installed() -> Verifier:
    return opened().verifier


verify: click.Command = verify_command(_installed)
