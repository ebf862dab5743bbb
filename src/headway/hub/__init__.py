"""Everything between a store and its watchers, and nothing of HTTP: what every watcher is sent, when, and from where.

How a server uses it (being built; the shapes are settled, `hub.py` and `connection.py` come next)::

    hub = Hub(store, settings=HubSettings(), artifacts=None, clock=SystemClock())   # hub/hub.py
    await hub.start()                                   # in the event loop that serves; `await hub.close()` at the end
    connection = hub.connect(sink, WEBSOCKET, Peer(address="…"), may_watch=None)    # sync, cheap, no task
    connection.watch(message)                           # a protocol.frames.Watch; frames come through sink.write
    connection.unwatch(["run-1"])                       # nothing happens for what is not watched
    connection.snapshot("run-1")                        # one as of now, and then what follows it
    connection.watch_runs(RunScope(kind="…"), after)    # `runs` frames; again: instead of the list so far
    connection.unwatch_runs()
    connection.send(PongFrame(...))                     # one frame to this watcher alone
    connection.pause(); connection.resume()             # from the transport's pause_writing and resume_writing
    connection.close()                                  # the transport is gone; nothing is called any more
    hub.notice("Restart at noon", "warning")            # to every connection

    await hub.run(run_id)                  # RunNow: the JSON of state and view, cursor, etag. NotFound
    await hub.changed(run_id, cursor, wait_s)           # true when there is something past the cursor, false in time
    await hub.events(run_id, cursor, limit=500, types=None, wait_s=25.0)    # the body of /events. NotFound, Gap
    await hub.cancel(run_id, by=None, reason=None)      # RunEnded, NotFound
    await hub.answer(run_id, input_id, value, by=None)  # RunEnded, NotFound, LogRefused
    hub.watchers()                                      # who watches what, since when, how far behind

All of it runs in one event loop and is called there. `Sink` (hub/sink.py) is what a transport implements: `write(data)`,
`beat()`, `close(code, reason)`. The framings are in hub/framing.py: `WEBSOCKET` (complete text frames for a protocol
class that owns its socket), `JSON` (for an ASGI server's WebSocket), `SSE` (one run), `SSE_JOINED` (several runs: the
connection puts the joined id before each frame: the cursors in the order of the runs, with commas, empty for none).
"""
