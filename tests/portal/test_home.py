import os
import stat

import pytest

from portal.home import Home, HomeMissing, HomeNotWritable, PassphraseNotSet, prepare_home
from trust.config import load_settings
from trust.kernel.randomness import SystemRandomness


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_fresh_home_belongs_to_its_owner_only(tmp_path):
    home = prepare_home(load_settings(home=tmp_path / "home"), SystemRandomness())
    secrets = [home.field_key, home.file_key, home.index_key, home.folder / "secrets" / "token.passphrase"]
    assert len({path.read_text() for path in secrets}) == len(secrets)
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}
    assert stat.S_IMODE(home.field_key.parent.stat().st_mode) == 0o700


def test_a_home_that_was_there_before_is_closed_to_others(tmp_path):
    """The database lies in it, with the digests of client secrets and who holds what, and has the mode of the umask."""
    (tmp_path / "home").mkdir(mode=0o755)
    home = prepare_home(load_settings(home=tmp_path / "home"), SystemRandomness())
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home.folder, home.files, home.metrics)} == {0o700}


def test_preparing_twice_changes_no_secret(tmp_path):
    settings = load_settings(home=tmp_path / "home")
    first = prepare_home(settings, SystemRandomness()).field_key.read_text()
    assert prepare_home(settings, SystemRandomness()).field_key.read_text() == first


def test_a_missing_home_is_refused(tmp_path):
    with pytest.raises(HomeMissing) as caught:
        Home(tmp_path / "nowhere").check()
    assert caught.value.code == "home-missing"


def test_a_home_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotWritable) as caught:
        prepare_home(load_settings(home=tmp_path / "file" / "home"), SystemRandomness())
    assert caught.value.code == "home-not-writable"


def test_a_read_only_home_is_refused(tmp_path, monkeypatch):
    home = prepare_home(load_settings(home=tmp_path / "home"), SystemRandomness())
    # root may write everywhere, so the answer of the system is given here instead of a mode on disk
    monkeypatch.setattr(os, "access", lambda path, _mode: path != home.folder)
    with pytest.raises(HomeNotWritable) as caught:
        home.check()
    assert caught.value.code == "home-not-writable"


@pytest.mark.parametrize("place", [None, "home/secrets/token.passphrase", "other/../home/passphrase"])
def test_production_keeps_the_passphrase_apart(tmp_path, place):
    file = None if place is None else tmp_path / place
    settings = load_settings(home=tmp_path / "home", environment="production", passphrase_file=file)
    with pytest.raises(PassphraseNotSet) as caught:
        prepare_home(settings, SystemRandomness())
    assert caught.value.code == "passphrase-not-set"
    assert not (tmp_path / "home").exists()


def test_production_takes_a_passphrase_from_elsewhere(tmp_path):
    file = tmp_path / "safe" / "passphrase"
    settings = load_settings(home=tmp_path / "home", environment="production", passphrase_file=file)
    assert prepare_home(settings, SystemRandomness()).keys == tmp_path / "home" / "keys"
    assert not (tmp_path / "home" / "secrets" / "token.passphrase").exists()
