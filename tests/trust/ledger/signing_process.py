"""A process that signs until it is killed: `python -m tests.trust.ledger.signing_process`.

It loads everything once and forks for each order that it reads from standard input, one JSON object a line. A forked
child opens database and token as a restarted service does and signs in several threads through the guard, while another
one signs checkpoints. It reports in lines on standard output, each written at once:

    forked <pid> · ready · got <index> <message> <signature> · failed <what> · ended <wait status>
"""

import json
import os
import sys
import threading
import traceback
import warnings
from pathlib import Path

from hsm_adapter.guard import GuardedSigner
from hsm_adapter.software import open_software_token
from trust.db import Database
from trust.kernel.clock import SystemClock
from trust.kernel.errors import TrustError
from trust.kernel.randomness import SystemRandomness
from trust.keys import KeyPurpose, KeyRef, SigningRequest, UseContext
from trust.ledger.checkpoints import Checkpointer
from trust.ledger.service import Ledger
from trust.ledger.store import SqlLedgerStore

ORIGIN = "ledger.example/killed"
SINGLES, BATCHES = 3, 1  # threads
BATCH = 4
CHECKPOINT_SECONDS = 0.03


def say(*words: object) -> None:
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


def sign_on(signer: GuardedSigner, key: KeyRef, prefix: str, count: int) -> None:
    context = UseContext(principal="client:killed", act=("operator:li",), why="kill test", document=prefix)
    number = 0
    while True:
        messages = [f"{prefix}-{number + each}".encode() for each in range(count)]
        number += count
        requests = [SigningRequest(message=message, context=context) for message in messages]
        for message, signature in zip(
            messages, signer.sign_many(key, requests, purpose=KeyPurpose.SEALING), strict=True
        ):
            say("got", signature.ledger_index, message.decode(), signature.value.hex())


def checkpoint_on(checkpointer: Checkpointer) -> None:
    while True:
        checkpointer.checkpoint()
        threading.Event().wait(CHECKPOINT_SECONDS)


def told(work, *arguments) -> None:
    try:
        work(*arguments)
    except TrustError as error:
        say("failed", error.code, str(error.detail).replace("\n", " "))
        os._exit(1)


def run(order: dict[str, str]) -> None:
    """Be one life of the service; it never returns."""
    clock, database = SystemClock(), Database(order["address"])
    with warnings.catch_warnings(action="ignore"):
        token = open_software_token(
            Path(order["keys"]),
            Path(order["passphrase"]),
            clock=clock,
            randomness=SystemRandomness(),
            production=False,
            allowed=True,
        )
    store = SqlLedgerStore(database)
    signer = GuardedSigner(token, Ledger(store, clock, token.info), clock)
    checkpointer = Checkpointer(store, signer, KeyRef(order["checkpoint_key"]), clock, origin=ORIGIN)
    key = KeyRef(order["sealing_key"])
    works = [(checkpoint_on, checkpointer)]
    works += [(sign_on, signer, key, f"{order['life']}-{number}", 1) for number in range(SINGLES)]
    works += [(sign_on, signer, key, f"{order['life']}-many{number}", BATCH) for number in range(BATCHES)]
    say("ready")
    threads = [threading.Thread(target=told, args=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            try:
                run(json.loads(line))
            except BaseException:  # noqa: BLE001  the parent must be told
                say("failed", traceback.format_exc().replace("\n", " | "))
            os._exit(1)
        say("forked", pid)
        _, status = os.waitpid(pid, 0)
        say("ended", status)


if __name__ == "__main__":
    main()
