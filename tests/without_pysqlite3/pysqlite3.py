"""Stands in front of the real package when this folder is on PYTHONPATH: as on a machine without a wheel of it."""

raise ImportError("The tests run with the standard library's sqlite3.")
