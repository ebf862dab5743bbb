"""What reporters and people say over HTTP: runs, events, leases, artifacts, cancels and answers."""
