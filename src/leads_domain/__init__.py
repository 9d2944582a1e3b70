"""The domain of the service: leads, their pipeline and their follow-ups.

The code is synchronous and uses only the standard library: no input or output, no clock, no randomness.
`lead.py`, `pipeline.py` and `follow_up.py` have the rules, `ports.py`, `sources.py`, `statistics.py` and `notifier.py`
the ports, and `use_cases/` has one module for each use case.
"""
