import resource
import socket

import pytest

from portal.serve import AddressTaken, serve
from trust.config import load_settings


@pytest.mark.parametrize("shares", [False, True])
def test_a_service_never_joins_the_address_of_another(tmp_path, shares):
    """Servers of several processes share a port; two services would share their callers."""
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(AddressTaken) as caught:
            serve(load_settings(home=str(tmp_path), port=other.getsockname()[1]))
    assert caught.value.field == "port"


def test_an_address_of_another_machine_is_refused(tmp_path):
    with pytest.raises(AddressTaken):
        serve(load_settings(home=str(tmp_path), bind="192.0.2.1"))


def test_a_process_that_crashes_leaves_no_file_with_its_keys(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        with pytest.raises(AddressTaken):
            serve(load_settings(home=str(tmp_path), bind="192.0.2.1"))
        assert resource.getrlimit(resource.RLIMIT_CORE) == (0, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
