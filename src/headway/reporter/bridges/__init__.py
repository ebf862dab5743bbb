"""Bridges from what jobs already use to tell of themselves: ``logging``, standard output, bars of tqdm and rich."""
