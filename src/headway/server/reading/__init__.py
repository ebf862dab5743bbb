"""What can be read: runs, events, logs, artifacts, whole logs, and what is remembered of past runs."""
