"""The wire contract as pure code: events, cursors, names, limits and the JSON between them.

No input or output, no clock, no asyncio.
"""
