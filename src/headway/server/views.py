"""The views of the runs that somebody asks for, each made by the viewer that made the ones before."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from headway.hub.history import Histories
from headway.hub.viewing import Viewer
from headway.ports import EventStore
from headway.progress.remaining import DEFAULT, estimator
from headway.progress.state import State, View

KEPT = 1_000
"""Runs whose countdown goes on smoothly between two requests; the others begin it anew."""


class Views:
    """Makes views. Safe in any thread."""

    def __init__(self, store: EventStore) -> None:
        self._histories = Histories(store, time.monotonic)
        self._estimator = estimator(DEFAULT)
        self._viewers: OrderedDict[str, Viewer] = OrderedDict()
        self._lock = threading.Lock()

    def view(self, state: State, now_unix_s: float) -> View:
        """The view of a state at a time."""
        with self._lock:
            viewer = self._viewers.pop(state.run_id, None) or Viewer(self._histories, self._estimator)
            self._viewers[state.run_id] = viewer
            if len(self._viewers) > KEPT:
                self._viewers.popitem(last=False)
            return viewer.view(state, now_unix_s)
