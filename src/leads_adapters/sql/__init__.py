"""Leads in an SQL database: tables, one file a store, and how work is run on each database."""
