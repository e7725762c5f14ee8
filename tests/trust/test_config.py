from pathlib import Path

import pytest

from trust.config import Settings, SettingsInvalid, hand_to_children, load_settings


@pytest.fixture(autouse=True)
def nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_defaults_put_all_state_under_home(tmp_path):
    settings = load_settings(home=tmp_path)
    assert settings.database_address == f"sqlite:///{tmp_path}/yinxin.sqlite3"
    assert settings.passphrase_path == tmp_path / "secrets" / "token.passphrase"


def test_the_environment_goes_over_the_file(tmp_path, monkeypatch):
    (tmp_path / "yinxin.toml").write_text('port = 9000\nbind = "127.0.0.2"\n')
    monkeypatch.setenv("YINXIN_PORT", "9001")
    settings = load_settings()
    assert (settings.port, settings.bind) == (9001, "127.0.0.2")


@pytest.mark.parametrize(
    ("name", "value"), [("YINXIN_PORT", "99999"), ("YINXIN_PORT", "x"), ("YINXIN_ENVIRONMENT", "staging")]
)
def test_an_unusable_value_is_refused_by_name(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings()
    assert caught.value.code == "settings-invalid"
    assert name in caught.value.detail


def test_an_unknown_key_in_the_file_is_refused(tmp_path):
    (tmp_path / "yinxin.toml").write_text("prot = 9000\n")
    with pytest.raises(SettingsInvalid, match="YINXIN_PROT"):
        load_settings()


def test_a_file_that_is_not_toml_is_refused(tmp_path):
    (tmp_path / "yinxin.toml").write_text("port = = 1")
    with pytest.raises(SettingsInvalid, match=r"yinxin\.toml"):
        load_settings()


def test_settings_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        load_settings().port = 1


def test_font_folders_are_paths(monkeypatch):
    monkeypatch.setenv("YINXIN_FONT_PATHS", '["/a", "/b"]')
    assert load_settings().font_paths == (Path("/a"), Path("/b"))


def test_a_misspelt_variable_is_refused(monkeypatch):
    monkeypatch.setenv("YINXIN_PROT", "1")
    with pytest.raises(SettingsInvalid, match="YINXIN_PROT"):
        load_settings()


def test_server_processes_read_the_same_settings(tmp_path, monkeypatch):
    for name in ("PROMETHEUS_MULTIPROC_DIR", *(f"YINXIN_{field.upper()}" for field in Settings.model_fields)):
        monkeypatch.setenv(name, "")  # remembered, so that the test leaves no trace
        monkeypatch.delenv(name)
    given = load_settings(home=tmp_path, port=9002, allow_software_keys=True, font_paths=(Path("/a"),))
    hand_to_children(given, metrics_folder=tmp_path)
    assert load_settings() == given


def test_lists_and_objects_among_the_settings_reach_server_processes(tmp_path, monkeypatch):
    for name in ("PROMETHEUS_MULTIPROC_DIR", *(f"YINXIN_{field.upper()}" for field in Settings.model_fields)):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    source = {"name": "population-register", "url": "https://register.example/", "secret_file": "/run/secret"}
    given = load_settings(home=tmp_path, outbound_networks=["10.1.0.0/16"], proofing_sources=[source])
    hand_to_children(given, metrics_folder=tmp_path)
    assert load_settings() == given


BOUNDS = {
    "port": (1, 65535),
    "trusted_proxies": (0, 5),
    "workers": (1, 64),
    "max_body_bytes": (1024, None),
    "max_upload_bytes": (1024, None),
    "verify_rate_per_minute": (1, None),
    "token_rate_per_minute": (1, None),
    "sign_in_rate_per_minute": (1, None),
    "access_token_seconds": (30, 3600),
    "person_token_seconds": (30, 3600),
    "id_token_seconds": (30, 3600),
    "refresh_token_seconds": (60, 30 * 24 * 3600),
    "session_idle_minutes": (1, 720),
    "session_hours": (1, 72),
    "crl_days": (1, 30),
    "checkpoint_seconds": (1, 3600),
    "clerk_acts_per_day": (1, None),
    "recovery_wait_hours": (1, 168),
    "witness_quorum": (0, None),
}


def test_every_number_among_the_settings_has_bounds():
    assert {name for name, field in Settings.model_fields.items() if field.annotation is int} == set(BOUNDS)


@pytest.mark.parametrize(("name", "bounds"), BOUNDS.items())
def test_the_bounds_of_a_setting_hold_from_both_sides(name, bounds):
    least, most = bounds
    for value, outside in ((least, least - 1), (most, most and most + 1)):
        if value is not None:
            assert getattr(load_settings(**{name: value}), name) == value
            with pytest.raises(SettingsInvalid) as caught:
                load_settings(**{name: outside})
            assert caught.value.field == name
