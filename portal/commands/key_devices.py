"""`yinxin keys devices`, `holdings`, `place`, `unplace`, `reinstate`: the hardware that keys lie in."""

from collections.abc import Sequence

import click

from hsm_adapter.keyfile import Place
from portal.commands.opening import opened_foundation
from portal.commands.output import json_option, show
from trust.keys import KeyRef


@click.command()
@json_option
def devices(as_json: bool) -> None:
    """Ask every key device, and show how it is and which of our keys lie on it (列出密码设备及其状态).

    This command has sessions of its own: how the service finds a device, /api/v1/health/devices tells.
    """
    custodian = opened_foundation().keys.custodian
    lying: dict[str, list[str]] = {}
    known = custodian.keys()
    for info in known:
        for lies in custodian.places(info.ref):
            lying.setdefault(lies.device, []).append(info.ref)
    shown: list[dict[str, object]] = [
        {
            "device": health.name,
            "state": health.state.value,
            "sessions": health.sessions,
            "last_error": health.last_error,
            "keys": lying.get(health.name, []),
        }
        for health in custodian.ask_devices()
    ]
    show(shown, as_json=as_json)


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


@click.command()
@click.argument("key")
@click.argument("device")
@click.argument("handle")
@json_option
def place(key: str, device: str, handle: str, as_json: bool) -> None:
    """Note that DEVICE holds the same KEY under HANDLE (登记同一密钥的另一设备); it signs when another fails.

    Another key than KEY is refused, and the device makes a proof.
    """
    places = opened_foundation().keys.custodian.add_place(KeyRef(key), device, handle)
    show(_placed(key, places), as_json=as_json)


@click.command()
@click.argument("key")
@click.argument("device")
@json_option
def unplace(key: str, device: str, as_json: bool) -> None:
    """Forget that DEVICE holds KEY, such as a device that was taken away (注销密钥所在设备)."""
    show(_placed(key, opened_foundation().keys.custodian.remove_place(KeyRef(key), device)), as_json=as_json)


def _placed(key: str, places: Sequence[Place]) -> dict[str, object]:
    return {"key": key, "places": [f"{each.device} {each.handle}" for each in places]}


def add_device_commands(group: click.Group) -> None:
    """Put the commands into `yinxin keys`."""
    for command in (devices, holdings, place, unplace, reinstate):
        group.add_command(command)
