"""E-mail addresses: one spelling for each, so that an account is found however its address is typed."""

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254
"""Characters of an address (RFC 5321, 4.5.3.1, less the brackets)."""


def normal(address: str) -> str:
    """The spelling of an address that is stored: Unicode form NFC, the domain as it is looked up, all in lower case.

    Strictly, capitals in the part before the @ could tell two mailboxes apart; no mail service that people use does so. Nothing is
    looked up in the network.

    Raises:
        ValueError: it is no address; the text says what is wrong with it.
    """
    try:
        return validate_email(address.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as fault:
        raise ValueError(str(fault)) from fault


def sought(address: str) -> str:
    """The spelling to look an account up with; empty, which no account has, for what is no address."""
    try:
        return normal(address)
    except ValueError:
        return ""
