"""`yinxin keys devices`, `holdings`, `reinstate`: the hardware that keys lie in."""

import click

from portal.commands.opening import opened_foundation
from portal.commands.output import json_option, show


@click.command()
@json_option
def devices(as_json: bool) -> None:
    """List the key devices as this process finds them (列出密码设备)."""
    custodian = opened_foundation().keys.custodian
    show([{"device": name} for name in custodian.devices()], as_json=as_json)


@click.command()
@click.argument("device")
@json_option
def holdings(device: str, as_json: bool) -> None:
    """List the key pairs that DEVICE holds, known here or not (列出设备内密钥)."""
    custodian = opened_foundation().keys.custodian
    keys = custodian.keys()
    known = {info.public_key: info.ref for info in keys}
    show(
        [
            {
                "handle": held.handle,
                "algorithm": held.algorithm.value,
                "label": held.label,
                "public_key": held.public_key.hex(),
                "key": known.get(held.public_key),
            }
            for held in custodian.holdings(device)
        ],
        as_json=as_json,
    )


@click.command()
@click.argument("device")
@json_option
def reinstate(device: str, as_json: bool) -> None:
    """Bring DEVICE back that waited for an operator, such as after a corrected PIN file (恢复设备)."""
    opened_foundation().keys.custodian.reinstate(device)
    show({"device": device, "reinstated": True}, as_json=as_json)


def add_device_commands(group: click.Group) -> None:
    """Put the commands into `yinxin keys`."""
    for command in (devices, holdings, reinstate):
        group.add_command(command)
