"""The switchboard: who is connected, what is followed, and where a record goes; no thread, nothing that waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from headway.hub.choosing import chosen_estimator
from headway.hub.connection import Connection
from headway.hub.feed import Feed
from headway.hub.framing import Framing, prepared
from headway.hub.history import KnownHistories
from headway.hub.lingering import Lingering
from headway.hub.lists import Lists
from headway.hub.mirror import Means, Phase
from headway.hub.rota import Rota
from headway.hub.settings import HubSettings
from headway.hub.sink import MayWatch, Peer, Sink
from headway.hub.surroundings import Surroundings, Timer
from headway.ports import EventStore, Notice, Record
from headway.progress.remaining import Estimator
from headway.progress.state import ShortState
from headway.protocol.frames import CloseCode, NoticeFrame

LEAST_ROOM_BYTES = 32 * 1024
"""Events of one run that are kept in memory, however many runs are followed."""


class Switchboard:
    """Everything of a hub that is not about threads. For one thread.

    Args:
        store: What is followed.
        surroundings: Time, timers, and somebody who reads.
        settings: The bounds.
        estimator: Of remaining time; None for what the settings say.

    Attributes:
        surroundings: As given.
        settings: As given.
        lists: The lists of runs.
        feeds: The runs that are in memory.
        connections: Everybody.
    """

    def __init__(
        self, store: EventStore, surroundings: Surroundings, settings: HubSettings, estimator: Estimator | None = None
    ) -> None:
        self.surroundings = surroundings
        self.settings = settings
        self.feeds: dict[str, Feed] = {}
        self.connections: Rota[Connection] = Rota(surroundings, settings.heartbeat_s)
        self.lists = Lists(store, surroundings, settings, self._short_state)
        self._means = Means(
            store,
            surroundings,
            KnownHistories(store, surroundings),
            estimator or chosen_estimator(settings.estimator),
            settings,
            self._room,
        )
        self._lingering = Lingering(settings.linger_runs)
        self._stuck: dict[Connection, tuple[float, int]] = {}
        self._unsticking: Timer | None = None
        self._notices: deque[tuple[int, NoticeFrame]] = deque()
        self._noticed = 0
        self._closed = False

    # Connections

    def connect(
        self, sink: Sink, framing: Framing, peer: Peer | None = None, may_watch: MayWatch | None = None
    ) -> Connection:
        """A new connection over a transport; nothing is written before something is watched or sent.

        One that comes when everything was closed is ended before this returns, and can be used as any that was.
        """
        connection = Connection(self, sink, framing, peer or Peer(), may_watch)
        self.connections.add(connection)
        if self._closed:
            self._send_away(connection)
        return connection

    def _send_away(self, connection: Connection) -> None:
        connection.end(CloseCode.GOING_AWAY, "the server is ending")

    def left(self, connection: Connection) -> None:
        """See ``House.left``."""
        self.connections.remove(connection)
        self._stuck.pop(connection, None)

    def paused(self, connection: Connection) -> None:
        """See ``House.paused``."""
        self._stuck[connection] = (self.surroundings.now(), self._noticed)
        self._watch_stuck()

    def resumed(self, connection: Connection) -> None:
        """See ``House.resumed``."""
        _, heard = self._stuck.pop(connection)
        for number, frame in tuple(self._notices):
            if number > heard:
                connection.send(frame)
                heard = number
            if connection in self._stuck:  # that has filled it again, and the rest must wait
                self._stuck[connection] = (self.surroundings.now(), heard)
                break

    def _watch_stuck(self) -> None:
        if self._unsticking is None and self._stuck:
            until = next(iter(self._stuck.values()))[0] + self.settings.stuck_s
            self._unsticking = self.surroundings.call_at(until, self._close_stuck)

    def _close_stuck(self) -> None:
        self._unsticking = None
        long_ago = self.surroundings.now() - self.settings.stuck_s
        for connection in [connection for connection, (since, _) in self._stuck.items() if since <= long_ago]:
            connection.end(CloseCode.OVERLOAD, f"nothing could be sent for {self.settings.stuck_s:.0f} s")
        self._watch_stuck()

    def _speak(self, notice: Notice) -> None:
        """To every connection; who is stuck hears it when it is so no more."""
        frame = NoticeFrame(text=notice.text, level=notice.level)
        heard = min((heard for _, heard in self._stuck.values()), default=self._noticed)
        while self._notices and self._notices[0][0] <= heard:
            self._notices.popleft()
        self._noticed += 1
        self._notices.append((self._noticed, frame))
        texts: dict[Framing, bytes] = {}
        for connection in self.connections:
            framing = connection.framing
            if framing not in texts:
                texts[framing] = framing.wrap(prepared(frame))
            if not connection.paused:
                connection.put(texts[framing])

    def close(self) -> None:
        """Close every connection, and those that are still to come."""
        self._closed = True
        for connection in self.connections:
            self._send_away(connection)
        for feed in tuple(self.feeds.values()):
            feed.close()
        self.connections.stop()

    # Runs

    def feed(self, run_id: str) -> Feed:
        """See ``House.feed``."""
        found = self.feeds.get(run_id)
        if found is None:
            found = self.feeds[run_id] = Feed(run_id, self._means, self._lingering, self._drop)
        return found

    def _drop(self, feed: Feed) -> None:
        if self.feeds.get(feed.run_id) is feed:
            del self.feeds[feed.run_id]

    def _room(self) -> int:
        share = self.settings.recent_total_bytes // max(1, len(self.feeds))
        return max(LEAST_ROOM_BYTES, min(self.settings.recent_bytes, share))

    def deliver(self, records: Iterable[Record]) -> None:
        """What the follower read."""
        touched: dict[Feed, None] = {}
        for record in records:
            if not record.run_id:
                self._speak(msgspec.json.decode(record.body, type=Notice))
                continue
            feed = self.feeds.get(record.run_id)
            if feed is not None:
                feed.take(record)
                touched[feed] = None
            self.lists.note(record)
        for feed in touched:
            feed.moved()
        self.lists.moved()

    def mend(self) -> None:
        """The follower may have missed something: look at everything in the store."""
        for feed in tuple(self.feeds.values()):
            feed.mirror.mend()
        self.lists.restart()

    def _short_state(self, run_id: str) -> ShortState | None:
        """A run's short state, if it is in memory."""
        feed = self.feeds.get(run_id)
        if feed is None or feed.mirror.phase is not Phase.OPEN:
            return None
        return feed.mirror.short_state()
