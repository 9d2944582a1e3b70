"""Leads in files: reading and writing CSV and NDJSON."""
