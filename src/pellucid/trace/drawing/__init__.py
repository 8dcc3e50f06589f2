"""A journey as one picture (SVG): self-contained, without scripts, readable on light and on dark ground."""

from pellucid.trace.drawing.picture import picture

__all__ = ["picture"]
