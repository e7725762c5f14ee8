import pytest

from tests.integration import installation
from tests.portal.command_line import command_line


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """The installation that others are copies of."""
    return installation.template(tmp_path_factory)


@pytest.fixture
def yinxin(template, tmp_path, monkeypatch, capsys):
    """The command on a home of its own with authority, seal and clients."""
    with command_line(template, tmp_path, monkeypatch, capsys) as opened:
        yield opened
