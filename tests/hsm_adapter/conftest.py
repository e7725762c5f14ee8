from pathlib import Path

import pytest

from tests.hsm_adapter.building import TokenFolder, token_folder


@pytest.fixture
def folder(tmp_path: Path) -> TokenFolder:
    return token_folder(tmp_path)
