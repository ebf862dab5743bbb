"""Reporting to a server over HTTP, with the standard library alone."""
