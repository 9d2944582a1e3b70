"""The use cases, one module for each.

A use case is a function, or a frozen dataclass with the ports that it needs as fields. The first argument of a call is
the unit of work. A use case neither commits nor rolls back: the database does.
"""
