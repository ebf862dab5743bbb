"""Reading what the stores have: states, and (with the server) everything that watchers are sent."""
