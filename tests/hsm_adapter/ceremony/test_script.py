from dataclasses import replace

import pytest

from hsm_adapter.ceremony import holding, sitting
from hsm_adapter.ceremony.errors import ScriptInvalid
from hsm_adapter.ceremony.script import load_script, parse_script
from tests.hsm_adapter.ceremony.acting import Actors, PowerCut, terms

STEP = (
    b'[[step]]\nid="a"\nrole="administrator"\naction="confirm"\ntitle="A"\ntitle_zh="\xe7\x94\xb2"\nsay=""\nsay_zh=""\n'
)
HEAD = b'title="T"\ntitle_zh="\xe6\xa0\x87\xe9\xa2\x98"\n'


def test_a_script_is_data():
    assert [step.id for step in parse_script("own", HEAD + STEP).steps] == ["a"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        HEAD,
        HEAD + STEP + STEP,
        HEAD + STEP.replace(b"confirm", b"invent"),
        HEAD + STEP.replace(b'"administrator"', b'"boss"'),
        STEP,
    ],
)
def test_what_is_no_script_is_refused(content):
    with pytest.raises(ScriptInvalid) as refused:
        parse_script("own", content)
    assert refused.value.code == "ceremony-script-invalid"


def test_a_name_that_is_no_script_is_refused():
    with pytest.raises(ScriptInvalid):
        load_script("../root")


def test_a_sitting_does_not_go_on_with_another_script(hall, typesetter, monkeypatch):
    with pytest.raises(PowerCut):
        holding.begin(hall(Actors(cut_at=3)), terms(), typesetter)
    changed = replace(load_script("root"), digest="0" * 64)
    monkeypatch.setattr(holding, "load_script", lambda _: changed)
    with pytest.raises(ScriptInvalid):
        holding.resume(hall(Actors()), typesetter)


def test_every_action_has_a_handler(hall, medium):
    handled = set(sitting.SIGNING) | {step.action for name in ("root", "device") for step in load_script(name).steps}
    assert handled == set(sitting.Action)
