"""What a log means, as pure code: the plan, the fold of events into a state, pacing and remaining time.

No input or output, no clock, no asyncio: time is an argument everywhere.
"""
