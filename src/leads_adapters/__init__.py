"""Adapters: implement the ports of the domain with libraries, databases and networks."""
