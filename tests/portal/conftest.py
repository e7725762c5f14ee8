import pytest
import structlog

from tests.integration.installation import template
from tests.portal.command_line import CommandLine


@pytest.fixture
def yinxin(tmp_path, monkeypatch, capsys):
    """The command on a home of its own with authority, seal and clients."""
    home = tmp_path / "home"
    for name, value in template().copy(home).items():
        monkeypatch.setenv(f"YINXIN_{name.upper()}", str(value))
    monkeypatch.chdir(tmp_path)
    yield CommandLine(home, tmp_path, capsys)
    structlog.reset_defaults()
