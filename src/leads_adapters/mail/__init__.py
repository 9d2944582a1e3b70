"""Receive e-mail."""
