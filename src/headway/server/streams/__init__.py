"""How watchers are served: over WebSocket, on the fast path or any ASGI server's, and as Server-Sent Events."""
