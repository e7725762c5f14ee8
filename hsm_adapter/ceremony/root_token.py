"""The token of a root key: a folder of its own on an offline medium, sealed under a secret that exists as shares only.

It has the form of the software token (`hsm_adapter.keyfolder`); the secret is the key of the box itself, 256 random
bits, so no passphrase is stretched. The header tells a wrong secret from a damaged key file.
"""

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from hsm_adapter.ceremony.errors import RootTokenBroken, SharesWrong
from hsm_adapter.ceremony.shares import SECRET_BYTES
from hsm_adapter.errors import KeyFileBroken
from hsm_adapter.folder import make_folder, usable
from hsm_adapter.keyfolder import HEADER, KeyFolder, read_bounded
from hsm_adapter.software import SoftwareToken
from trust.durable import sync, write_whole
from trust.kernel.algorithms import Algorithm
from trust.kernel.clock import Clock
from trust.kernel.encoding import canonical_json
from trust.kernel.randomness import Randomness
from trust.keys import KeyInfo, KeyPurpose

_FORMAT = "yinxin-ceremony-token/1"
_PROOF = b"yinxin root token"
_LABEL = "root-ca"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMaker:
    """Makes the token of one ceremony."""

    clock: Clock
    randomness: Randomness

    def make(self, folder: Path, secret: bytearray, *, ceremony: str) -> KeyInfo:
        """Make a token with one fresh SM2 key, sealed; durable when it returns. Raises `TokenFolderUnusable`."""
        make_folder(folder)
        box = SecretBox(bytes(secret))
        proof = bytes(box.encrypt(_PROOF + ceremony.encode()))
        header = {"format": _FORMAT, "ceremony": ceremony, "proof": base64.b64encode(proof).decode("ascii")}
        with usable(folder):
            write_whole(folder / HEADER, canonical_json(header) + b"\n", self.randomness)
            sync(folder.parent)
        return SoftwareToken(KeyFolder(folder, box, self.randomness), self.clock, self.randomness).generate(
            algorithm=Algorithm.SM2_SM3, purpose=KeyPurpose.X509_ISSUING, label=_LABEL
        )

    def open(self, folder: Path, secret: bytearray, *, ceremony: str) -> SoftwareToken:
        """Open the token. Raises `SharesWrong`, `RootTokenBroken`, `TokenFolderUnusable`."""
        with usable(folder):
            proof = _proof(folder, ceremony)
        box = SecretBox(bytes(secret)) if len(secret) == SECRET_BYTES else None
        try:
            whole = box is not None and box.decrypt(proof) == _PROOF + ceremony.encode()
        except (CryptoError, ValueError):
            whole = False
        if box is None or not whole:
            raise SharesWrong(field="share")
        return SoftwareToken(KeyFolder(folder, box, self.randomness), self.clock, self.randomness)


def destroy_tokens(folder: Path, pattern: str) -> None:
    """Remove token folders from a medium. Raises `TokenFolderUnusable`.

    The sealed bytes may survive on the medium; without the secret they are noise.
    """
    with usable(folder):
        for token in folder.glob(pattern):
            shutil.rmtree(token)
        sync(folder)


def _proof(folder: Path, ceremony: str) -> bytes:
    try:
        members = json.loads(read_bounded(folder / HEADER))
        if (members["format"], members["ceremony"]) != (_FORMAT, ceremony):
            raise RootTokenBroken("The token is that of another ceremony.", field=HEADER)
        return base64.b64decode(members["proof"], validate=True)
    except (FileNotFoundError, KeyFileBroken, ValueError, TypeError, KeyError, RecursionError):
        raise RootTokenBroken(f"The file {HEADER} cannot be read.", field=HEADER) from None
