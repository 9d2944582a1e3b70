"""Run use cases on a PostgreSQL database."""
