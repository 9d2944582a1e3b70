"""Leads over HTTP: handlers parse strictly, call one use case, and render."""
