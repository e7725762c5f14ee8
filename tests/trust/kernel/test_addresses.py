from urllib.parse import urlsplit

import pytest

from trust.kernel.addresses import is_loopback, is_secure_channel


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "::1"])
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "localhost.example", "127.0.0.1.example", "10.0.0.1", "::", "127.1"])
def test_every_other_host_is_another_machine(host):
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("https://a.example/x", True),
        ("http://localhost:8080", True),
        ("http://[::1]/", True),
        ("http://a.example/x", False),
        ("https:///x", False),
        ("http:", False),
        ("ftp://localhost", False),
        ("", False),
    ],
)
def test_what_is_sent_by_https_or_on_this_machine_stays_unread(address, secure):
    assert is_secure_channel(urlsplit(address)) is secure
