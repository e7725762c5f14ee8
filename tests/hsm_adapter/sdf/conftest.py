from collections.abc import Iterator
from pathlib import Path

import pytest

from hsm_adapter.sdf.device import SdfDevice
from tests.hsm_adapter.sdf.building import SoftDevice, build_library, soft_device


@pytest.fixture(scope="session")
def sdf_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("sdf"))


@pytest.fixture
def hardware(sdf_library: Path, tmp_path: Path) -> SoftDevice:
    return soft_device(tmp_path / "hardware", sdf_library)


@pytest.fixture
def device(hardware: SoftDevice) -> Iterator[SdfDevice]:
    opened = hardware.open()
    yield opened
    opened.close()
