"""Hide the real package when this folder is on PYTHONPATH, as on a platform without a wheel for it."""

raise ImportError("The tests run with the standard library's sqlite3.")
