"""How accounts keep what is personal (law 7): names and numbers sealed to their row, numbers found by blind index."""

from sso.accounts.ports import StoredCode, StoredPerson
from trust.formats.holders import HolderNumber
from trust.sealing import BlindIndex, FieldCipher

_DOMAIN = "sso.person"
_NOBODY = bytes(16)


class Vault:
    """Seals, opens and indexes with the field key and the index key of the installation."""

    def __init__(self, *, cipher: FieldCipher, index: BlindIndex) -> None:
        self._cipher = cipher
        self._index = index
        self._decoy_number = self.seal_number("0" * 18, _NOBODY)
        self._decoy_name = self.seal_name("\N{CJK UNIFIED IDEOGRAPH-7532}" * 3, "")

    def index(self, code: HolderNumber) -> bytes:
        """Return the bytes under which a number is found."""
        return self._index.of(code.text, domain=_DOMAIN)

    def seal_number(self, number: str, index: bytes) -> bytes:
        """Return a number sealed to its index."""
        return self._cipher.seal(number.encode(), place=_number_place(index))

    def open_number(self, kind: str, sealed: bytes, index: bytes) -> HolderNumber:
        """Return a number. Raises `SealBroken`."""
        return HolderNumber(kind=kind, number=self._cipher.open(sealed, place=_number_place(index)).decode())

    def open_code(self, code: StoredCode) -> HolderNumber:
        """Return one of a person's numbers. Raises `SealBroken`."""
        return self.open_number(code.kind, code.sealed, code.index)

    def seal_name(self, name: str, person: str) -> bytes:
        """Return a name sealed to its person."""
        return self._cipher.seal(name.encode(), place=_name_place(person))

    def open_name(self, sealed: bytes, person: str) -> str:
        """Return a name. Raises `SealBroken`."""
        return self._cipher.open(sealed, place=_name_place(person)).decode()

    def seal_former_name(self, name: str, change: str) -> bytes:
        """Return a former name sealed to the change that ended it."""
        return self._cipher.seal(name.encode(), place=_former_place(change))

    def open_former_name(self, sealed: bytes, change: str) -> str:
        """Return a former name. Raises `SealBroken`."""
        return self._cipher.open(sealed, place=_former_place(change)).decode()

    def open(self, stored: StoredPerson) -> tuple[HolderNumber, str]:
        """Return the number and the name of a person. Raises `SealBroken`."""
        code = self.open_number(stored.kind, stored.sealed_number, stored.code_index)
        return code, self.open_name(stored.sealed_name, stored.id)

    def open_nobody(self) -> None:
        """Do the work of `open` for a person who does not exist: a miss takes as long as a hit."""
        self._cipher.open(self._decoy_number, place=_number_place(_NOBODY))
        self._cipher.open(self._decoy_name, place=_name_place(""))


def _number_place(index: bytes) -> str:
    return f"sso_person_codes.sealed:{index.hex()}"


def _former_place(change: str) -> str:
    return f"sso_person_changes.sealed_name:{change}"


def _name_place(person: str) -> str:
    return f"sso_persons.sealed_name:{person}"
