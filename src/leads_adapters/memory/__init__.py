"""Implement the ports of the domain in memory: for tests, and as the simplest example of an adapter."""
