"""Serve leads over HTTP: a handler parses the request strictly, calls one use case and renders the result."""
