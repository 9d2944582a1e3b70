"""One file an intention.

A use case is called with the unit of work first. It is a function, or a frozen dataclass whose
fields are the ports it needs. It neither commits nor rolls back: its runner does.
"""
