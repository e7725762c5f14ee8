"""The installation that a command works on: opened from the settings, closed when the command ends, however it ends."""

import click

from portal.foundation import Foundation, open_foundation
from portal.wiring import Installation, open_installation
from trust.config import load_settings


def opened(*, operator: bool = False) -> Installation:
    """Return the whole installation; see `portal.wiring.open_installation`."""
    installation = open_installation(load_settings(), operator=operator)
    click.get_current_context().call_on_close(installation.close)
    return installation


def opened_foundation() -> Foundation:
    """Return keys, ledger and database alone, for what needs no more; see `portal.foundation.open_foundation`."""
    foundation = open_foundation(load_settings())
    click.get_current_context().call_on_close(foundation.close)
    return foundation
