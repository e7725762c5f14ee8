from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_adapter.pkcs11.device import Pkcs11Device
from tests.hsm_adapter.pkcs11.building import soft_device
from tests.hsm_adapter.softhsm import SoftToken, make_token


@pytest.fixture
def token(tmp_path: Path) -> SoftToken:
    return make_token(tmp_path)


@pytest.fixture
def device(token: SoftToken, tmp_path: Path) -> Iterator[Pkcs11Device]:
    made = soft_device(token, tmp_path)
    yield made
    made.close()
