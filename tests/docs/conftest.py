"""A directory for each reader."""

from tests.process.conftest import home

__all__ = ["home"]
