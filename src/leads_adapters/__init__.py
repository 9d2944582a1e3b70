"""The outside: how the ports of the inside are met by libraries, databases and networks."""
