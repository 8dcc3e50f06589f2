"""The stage of the scenarios, for the scenarios of this room."""

from tests.scenarios.conftest import stage

__all__ = ["stage"]
