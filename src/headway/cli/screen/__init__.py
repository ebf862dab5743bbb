"""The screen of ``headway watch`` and ``headway replay``.

Theory of operation. ``Watched`` takes a run's frames and knows its state; ``layout`` draws it: a pure function from
what is known and the size to rows of text, so that every screen is tested without a terminal. ``Terminal`` owns the
real one: its modes, which it gives back whatever happens, and what is on it, of which it writes only the rows that
changed. ``live`` brings them together with the keys and the clock. Where there is no terminal, ``lines`` tells what
changed instead.

Rows are made of spans, whose text is safe and whose width is known; nothing else ever reaches the terminal.
"""
