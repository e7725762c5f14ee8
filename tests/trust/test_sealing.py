import pytest
from hypothesis import given
from hypothesis import strategies as st

from trust.sealing import (
    MAX_SECRET_BYTES,
    BlindIndex,
    FieldCipher,
    SealBroken,
    SecretExposed,
    SecretMissing,
    read_secret,
    read_secret_key,
)

KEY = bytes(range(32))


@given(st.binary(max_size=2000), st.text(max_size=40))
def test_what_was_sealed_opens_in_its_place(plaintext, place):
    cipher = FieldCipher(KEY)
    assert cipher.open(cipher.seal(plaintext, place=place), place=place) == plaintext


def test_a_sealed_value_does_not_open_in_another_place():
    cipher = FieldCipher(KEY)
    with pytest.raises(SealBroken) as caught:
        cipher.open(cipher.seal(b"value", place="row:1"), place="row:2")
    assert caught.value.code == "sealed-value-broken"


@given(st.integers(min_value=0, max_value=8 * (24 + 5 + 16) - 1))
def test_any_changed_bit_is_noticed(bit):
    sealed = bytearray(FieldCipher(KEY).seal(b"value", place="p"))
    sealed[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(SealBroken):
        FieldCipher(KEY).open(bytes(sealed), place="p")


def test_sealing_twice_gives_different_bytes():
    cipher = FieldCipher(KEY)
    assert cipher.seal(b"value", place="p") != cipher.seal(b"value", place="p")


def test_the_blind_index_depends_on_key_domain_and_value():
    index = BlindIndex(KEY)
    assert index.of("a", domain="x") == BlindIndex(KEY).of("a", domain="x")
    others = {index.of("b", domain="x"), index.of("a", domain="y"), BlindIndex(KEY[::-1]).of("a", domain="x")}
    assert len(others | {index.of("a", domain="x")}) == 4
    assert index.of("b", domain="a") != index.of("ab", domain="")
    assert len(index.of("a", domain="x")) == 16


def secret_file(folder, content):
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"  s3cret \r\n"])
def test_a_secret_is_one_line(tmp_path, content):
    assert read_secret(secret_file(tmp_path, content)) == "s3cret"


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb", "秘密".encode(), b"\x00", b"x" * (MAX_SECRET_BYTES + 1)])
def test_what_is_no_line_is_refused_and_not_shown(tmp_path, content):
    with pytest.raises(SecretMissing) as caught:
        read_secret(secret_file(tmp_path, content))
    assert caught.value.field == "secret"


def test_the_longest_secret_is_read(tmp_path):
    assert len(read_secret(secret_file(tmp_path, b"x" * MAX_SECRET_BYTES))) == MAX_SECRET_BYTES


@pytest.mark.parametrize("content", ["", "zz", "00" * 31, "00" * 33])
def test_an_unusable_secret_file_is_refused_without_showing_it(tmp_path, content):
    path = tmp_path / "field.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(SecretMissing) as caught:
        read_secret_key(path)
    assert caught.value.code == "secret-missing"
    assert not content or content not in str(caught.value)


def test_a_missing_secret_file_is_named(tmp_path):
    with pytest.raises(SecretMissing, match=r"field\.key"):
        read_secret_key(tmp_path / "field.key")


def test_a_secret_file_is_read(tmp_path):
    path = tmp_path / "field.key"
    path.write_text(KEY.hex() + "\n")
    path.chmod(0o600)
    assert read_secret_key(path) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_may_touch_is_refused(tmp_path, mode):
    path = tmp_path / "field.key"
    path.write_text(KEY.hex())
    path.chmod(mode)
    with pytest.raises(SecretExposed) as caught:
        read_secret_key(path)
    assert (caught.value.code, caught.value.field) == ("secret-exposed", "field.key")
