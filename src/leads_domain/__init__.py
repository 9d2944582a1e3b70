"""The inside of the hexagon: what a lead is, what may happen to it, and what that needs.

Standard library only; synchronous; no input or output, no clock, no randomness.
Read `lead.py`, `pipeline.py` and `follow_up.py` for the rules, `ports.py` and `notifier.py` for
what the inside asks of the outside, and `use_cases/` for one file an intention.
"""
