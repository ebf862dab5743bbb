"""Everything between a store and its watchers, and nothing of HTTP: what every watcher is sent, when, and from where.

How a server uses it, all in one event loop::

    hub = Hub(store, settings=HubSettings(), artifacts=artifacts)     # headway.hub.hub
    await hub.start()
    connection = hub.connect(sink, WEBSOCKET, Peer(address="…"), may_watch=None)
    connection.watch(message)                      # a protocol.frames.Watch; frames come through sink.write
    connection.unwatch(["run-1"])
    connection.snapshot("run-1")
    connection.watch_runs(RunScope(kind="…"), after); connection.unwatch_runs()
    connection.send(WelcomeFrame(server="…", session="…", heartbeat=25.0))   # to this watcher alone
    connection.pong(echo); connection.refuse("not-found", "…", run_id)       # the same, whose time may be later
    connection.pause(); connection.resume()        # from the transport's pause_writing and resume_writing
    connection.close()                             # the transport is gone
    answer = await hub.run(run_id, known=etag, wait_s=25.0)           # answer.body, answer.etag
    answer = await hub.events(run_id, cursor, limit=500, types=None, wait_s=25.0)   # answer.body
    await hub.cancel(run_id, reason="…", by="…"); await hub.answer(run_id, input_id, value, by="…")
    hub.check()                                    # StoreUnavailable as long as news do not reach the watchers
    await hub.notice("Restart at noon", "warning"); hub.watching()
    await hub.close()                              # closes all connections, later ones too; the store stays open

What a server must know:

- **Nothing here blocks or awaits** but what is ``async``. ``connect`` and all methods of a connection are plain
  calls, and ``sink.write`` may be called before they return. There is no task and no queue per watcher: do not make
  any either.
- **A sink** (``headway.hub.sink``) writes bytes that are complete for its framing, and shares them with other sinks.
  When 64 KiB wait in the transport it calls ``connection.pause()``, at best from within ``write`` (asyncio's
  ``pause_writing`` does that after ``set_write_buffer_limits(high=65536)``); then nothing is written until
  ``connection.resume()``, but ends of runs and problems. What was missed is read from the store. A transport that
  stays full for 60 s is closed with ``OVERLOAD``.
- **A framing** (``headway.hub.framing``) is one shared object, not one for each connection: ``WEBSOCKET`` gives
  complete text frames for a protocol class that owns its socket, ``JSON`` the frame alone for an ASGI server's
  WebSocket, ``SSE`` the event of a stream of one run, ``SSE_JOINED`` of several: there the connection puts the id
  before each frame, which is the places of all runs in the order in which they were watched, with commas, empty for
  none yet, each with ``.end`` behind it when the run has ended. Give the parts of such an id as ``after`` again,
  ``.end`` and all.
- **The end** of a run takes it from the connection. With ``close_on_end`` the hub closes the connection when nothing
  is watched any more; use it for streams of Server-Sent Events.
- **Heartbeats**: ``sink.beat()`` is called once every ``heartbeat_s``, evenly spread; send a Ping or a ``heartbeat``
  frame and look whether the last one was answered. The ``welcome`` is the server's to send, too.
- **May it be watched?** Ids can be checked before; kinds are known later, so give ``may_watch(run_id, kind)``. What
  may not be watched is ``not-found``. A list takes what a token grants in its ``RunScope``.
- **Polls** are answered from memory. With ``wait_s`` 0 the store is asked first, so that who has just written finds
  it. A request that is given up is cancelled as any coroutine is.
- **Threads** (two readers, one follower, one for upkeep) hold the interpreter's lock in turn with the loop. A server
  of its own does well with ``sys.setswitchinterval(0.001)``.
"""
