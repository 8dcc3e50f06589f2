"""The superuser's password, for connections over TCP; through the socket nobody needs one."""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from pellucid.errors import StartupError
from pellucid.postgres.account import current_account
from pellucid.postgres.binaries import Binaries
from pellucid.postgres.configuration import SUPERUSER
from pellucid.postgres.directory import InstanceDirectory
from pellucid.postgres.files import write_file
from pellucid.postgres.placement import Placement
from pellucid.postgres.postmaster import reason

_ITERATIONS = 4096
"""PostgreSQL's own number; the password has 256 random bits, so that more would add nothing."""


def ensure_password(instance: InstanceDirectory, placement: Placement, binaries: Binaries) -> None:
    """Give the superuser a random password, kept in `DIR/secrets`, unless it has one; the server must not be running.

    Raises:
        StartupError: PostgreSQL did not take it.
    """
    if instance.password.exists():
        return
    password = secrets.token_urlsafe(32)
    single: list[str | Path] = [
        binaries.program("postgres"),
        "--single",
        "-D",
        placement.data,
        "-c",
        "exit_on_error=on",
        "postgres",
    ]
    done = placement.account.run(single, text=f"ALTER ROLE {SUPERUSER} PASSWORD '{verifier(password)}'\n")
    if done.returncode != 0:
        raise StartupError(
            f"The superuser's password could not be set: {reason(done.stderr)}.",
            hint="Mend the cause, then start again.",
        )
    write_file(instance.password, f"{password}\n", owner=current_account())


def verifier(password: str) -> str:
    """What PostgreSQL stores instead of the password (RFC 5802, RFC 7677)."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    encode = base64.b64encode
    return f"SCRAM-SHA-256${_ITERATIONS}:{encode(salt).decode()}${encode(stored).decode()}:{encode(server).decode()}"
