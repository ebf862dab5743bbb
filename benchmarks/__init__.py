"""Figures, each module with a ``main`` that prints its own; where a peer is named, as a ratio in the same run."""
