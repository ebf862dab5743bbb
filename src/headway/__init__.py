"""Durable, real-time progress for long-running jobs."""
