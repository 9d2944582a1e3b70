"""Store leads in an SQL database, SQLite or PostgreSQL, and run use cases on it."""
