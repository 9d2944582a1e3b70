"""Run use cases on a SQLite file."""
