"""The published values, as the tests read them."""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[2] / "vectors"
VALUES: dict[str, Any] = json.loads((VECTORS / "gm" / "vectors.json").read_text("utf-8"))
SIGNATURE = VALUES["sm2_signature"]
ENCRYPTION = VALUES["sm2_encryption"]
MUST_REFUSE = {name: bytes.fromhex(value) for name, value in VALUES["must_refuse"].items()}

MESSAGE: bytes = SIGNATURE["message_ascii"].encode()
IDENT: bytes = SIGNATURE["id_ascii"].encode()
POINT = bytes.fromhex("04" + SIGNATURE["px"] + SIGNATURE["py"])
SPKI = bytes.fromhex(SIGNATURE["spki_der"])
PKCS8 = bytes.fromhex(SIGNATURE["pkcs8_der"])
E_VALUE = bytes.fromhex(SIGNATURE["e"])
SIGNATURE_DER = bytes.fromhex(SIGNATURE["signature_der"])
R, S = int(SIGNATURE["r"], 16), int(SIGNATURE["s"], 16)
CIPHERTEXT_DER = bytes.fromhex(ENCRYPTION["ciphertext_der"])
PLAINTEXT: bytes = ENCRYPTION["plaintext_ascii"].encode()
