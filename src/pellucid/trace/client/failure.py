"""Why there is no answer: one sentence, and the way out."""


class Failed(Exception):
    """The request came to an end before its answer did.

    Args:
        message: what happened, naming the host, the address or the certificate.
        hint: what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class HungUp(Failed):
    """A connection that was kept has been closed by the server in the meantime: nothing is lost, a new one will do."""
