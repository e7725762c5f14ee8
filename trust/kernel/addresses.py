"""Which addresses secrets may travel to: the one rule for what people, tokens and other systems are sent to."""

import ipaddress
from urllib.parse import SplitResult


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_secure_channel(parts: SplitResult) -> bool:
    """Whether what is sent to an address stays unread on the way: https, or http on this machine."""
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
