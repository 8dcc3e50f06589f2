"""Which statements a connection has prepared by a function of ours. Each stays in the memory of its PostgreSQL process."""

MOST = 1000
"""Statements."""
MOST_CHARACTERS = 500_000
"""Characters of their texts together. A row by its key has some 400 and takes 50 KiB; five joined tables of many columns have 5,000 and
take up to 700."""
_KEPT = 0.9
"""What is left when there are too many: letting some go takes a round trip."""


class Known:
    """Their names with the lengths of their texts, those used last at the end."""

    __slots__ = ("_lengths", "characters")

    def __init__(self) -> None:
        """Begin with none."""
        self._lengths: dict[str, int] = {}
        self.characters = 0

    def __contains__(self, name: str) -> bool:
        return name in self._lengths

    def __len__(self) -> int:
        return len(self._lengths)

    def use(self, name: str, length: int) -> None:
        """One was prepared, or used again."""
        self.characters += length - self._lengths.pop(name, 0)
        self._lengths[name] = length

    def forget(self, name: str) -> None:
        """One is not there any more."""
        self.characters -= self._lengths.pop(name, 0)

    @property
    def is_full(self) -> bool:
        """Whether there are too many, or too long ones."""
        return len(self._lengths) > MOST or self.characters > MOST_CHARACTERS

    def forget_oldest(self) -> list[str]:
        """Forget those that have not been used for longest, and tell which."""
        gone: list[str] = []
        for name in list(self._lengths):
            if len(self._lengths) <= MOST * _KEPT and self.characters <= MOST_CHARACTERS * _KEPT:
                break
            self.forget(name)
            gone.append(name)
        return gone
