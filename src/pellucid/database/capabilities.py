"""What this database lets Pellucid do. Found at start-up, then frozen."""

from enum import StrEnum

from msgspec import Struct

from pellucid.errors import FeatureOff


class Feature(StrEnum):
    """What can be off on its own, in the words that people read."""

    DATA_API = "the data API"
    ACCOUNTS = "accounts"
    INSTANT_RELOAD = "noticing schema changes at once (they are looked for twice a second instead)"
    ROLE_TIMEOUTS = "time limits of roles"
    BYPASS = "service_role passing row level security"
    STATISTICS = "statement statistics"
    WAL_INSPECTION = "looking into the write-ahead log"
    PLANS = "plans of statements as they ran"
    PAGES = "looking into pages"
    FREE_SPACE = "looking into the free space map"
    HISTORY = "the history of statements"


_MANY = frozenset({Feature.ACCOUNTS, Feature.PLANS, Feature.STATISTICS})
"""Those that are told in the plural."""


class Missing(Struct, frozen=True):
    """Something that Pellucid could not set up: what it is, the SQL that an administrator may run, and what is off meanwhile."""

    what: str
    needs: str
    off: Feature

    def __str__(self) -> str:
        return f"Missing: {self.what}. Off without it: {self.off}. An administrator may run: {self.needs};"


class Capabilities(Struct, frozen=True):
    """What was found. ``server_version`` is PostgreSQL's number, such as 180001; 0 means that nobody has looked."""

    server_version: int = 0
    missing: tuple[Missing, ...] = ()

    @property
    def data_api(self) -> str | None:
        """Why the data API is off, as a sentence; None when it is on."""
        return self._why(Feature.DATA_API)

    @property
    def accounts(self) -> str | None:
        """Why there are no accounts, as a sentence; None when there are."""
        return self._why(Feature.ACCOUNTS)

    @property
    def remedies(self) -> tuple[tuple[str, str], ...]:
        """What is off for want of what, and the SQL that mends it: each thing once, whatever hangs on it."""
        off: dict[tuple[str, str], list[str]] = {}
        for item in self.missing:
            off.setdefault((item.what, item.needs), []).append(item.off)
        return tuple((f"{', '.join(parts)} · missing: {what}", f"{needs};") for (what, needs), parts in off.items())

    def lacking(self, feature: Feature) -> Missing | None:
        """What a feature is off for want of; None when it is on."""
        return next((item for item in self.missing if item.off is feature), None)

    def require(self, feature: Feature) -> None:
        """Go on only when the feature is on.

        Raises:
            FeatureOff: it is not; the text says what is missing.
        """
        if why := self._why(feature):
            raise FeatureOff(
                why,
                hint="Have an administrator run the SQL that the log of this server shows for it, then start again.",
            )

    def _why(self, feature: Feature) -> str | None:
        lacking = [item.what for item in self.missing if item.off is feature]
        if not lacking:
            return None
        whole = f"{feature} {'are' if feature in _MANY else 'is'} off, because the database lacks {', '.join(lacking)}."
        return whole[0].upper() + whole[1:]
