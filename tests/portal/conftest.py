import pytest
import structlog

from tests.integration import installation
from tests.portal.command_line import CommandLine


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """The installation that others are copies of."""
    return installation.template(tmp_path_factory)


@pytest.fixture
def yinxin(template, tmp_path, monkeypatch, capsys):
    """The command on a home of its own with authority, seal and clients."""
    home = tmp_path / "home"
    for name, value in template.copy(home).items():
        monkeypatch.setenv(f"YINXIN_{name.upper()}", str(value))
    monkeypatch.chdir(tmp_path)
    yield CommandLine(home, tmp_path, capsys)
    structlog.reset_defaults()
