"""Every port in memory: for tests, and to show how little a port asks."""
