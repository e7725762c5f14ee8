import json

from sso.keycloak.provisioner import Provisioner
from sso.keycloak.realm import Kind, Place
from sso.keycloak.wording import document, sentences
from sso.provider.keyring import SM2_ALGORITHM
from tests.sso.keycloak.realms import MemoryRealm, desired, system

CLIENT = Place(kind=Kind.CLIENT, name=system().id)


def _provisioned() -> tuple[MemoryRealm, Provisioner]:
    realm = MemoryRealm()
    provisioner = Provisioner(realm)
    wanted = desired(system(1), system(2))
    provisioner.apply(provisioner.plan(wanted), wanted)
    return realm, provisioner


def test_nothing_to_do_is_one_line() -> None:
    _realm, provisioner = _provisioned()
    plan = provisioner.plan(desired(system(1), system(2)))
    assert sentences(plan) == ["Realm yinxin is in step with the registrations."]
    assert document(plan) == {
        "realm": "yinxin",
        "in_step": True,
        "changes": [],
        "foreign": [],
        "extra": [],
        "skipped": [],
    }


def test_a_change_by_hand_is_told_with_what_it_is_and_what_it_becomes() -> None:
    realm, provisioner = _provisioned()
    realm.parts[CLIENT] |= {"redirectUris": ["https://evil.example/*"], "consentRequired": False}
    lines = sentences(provisioner.plan(desired(system(1), system(2))))
    assert lines[0] == "Realm yinxin: 1 to change."
    assert f"  put right client {system().id} (系统1)" in lines
    assert "    redirectUris: is https://evil.example/*, becomes https://s1.example.gov.cn/callback" in lines
    assert "    consentRequired: is false, becomes true" in lines


def test_the_salt_of_subjects_is_told_to_nobody() -> None:
    realm, provisioner = _provisioned()
    mapper = Place(kind=Kind.CLIENT_MAPPER, owner=system().id, name="sub")
    salt = realm.parts[mapper]["config"]["pairwiseSubAlgorithmSalt"]
    realm.parts[mapper]["config"]["pairwiseSubAlgorithmSalt"] = "known to somebody"
    plan = provisioner.plan(desired(system(1), system(2)))
    told = "\n".join(sentences(plan)) + json.dumps(document(plan))
    assert "pairwiseSubAlgorithmSalt" in told
    assert salt not in told
    assert "known to somebody" not in told
    assert salt not in "\n".join(sentences(Provisioner(MemoryRealm()).plan(desired(system()))))


def test_what_stays_what_stops_and_what_is_left_out_is_told() -> None:
    realm, provisioner = _provisioned()
    lines = sentences(provisioner.plan(desired(system(1), system(3, signing_algorithm=SM2_ALGORITHM))))
    assert f"  no longer wanted, stays unless pruned: client {system(2).id}" in lines
    assert f"  left out: client {system(3).id} (系统3): Keycloak does not sign with {SM2_ALGORITHM}." in lines
    realm.foreign.add(CLIENT)
    lines = sentences(provisioner.plan(desired(system(1))))
    assert lines[:2] == [
        "Realm yinxin: nothing can be done until others' objects are out of the way.",
        f"  made by others, stops everything: client {system().id}",
    ]
    assert document(provisioner.plan(desired(system(1))))["in_step"] is False
