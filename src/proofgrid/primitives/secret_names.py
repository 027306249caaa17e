"""What names tell of secrets: fields of messages and log lines, and variables of the environment."""

from __future__ import annotations

HIDDEN = "(hidden)"  #: what stands in a secret's place

#: Fields with these names reach no log and no entry of the audit log: secrets, and what a proof keeps secret.
SECRET_FIELDS = frozenset(
    {"token", "secret", "private_key", "password", "witness", "inputs", "inputs_json", "job_input"}
)

#: A variable with one of these in its name holds a secret.
_WORDS = ("PASSW", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE", "ACCESS_KEY", "API_KEY")


def is_secret_variable(name: str) -> bool:
    """Does a variable of this name hold a secret, for all that names tell?"""
    return any(word in name.upper() for word in _WORDS)
