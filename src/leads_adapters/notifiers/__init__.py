"""The notifiers that are part of the service.

Each adapter is a factory `(options: Mapping[str, str]) -> FollowUpNotifier`. Packages register their adapters in the
entry-point group `leads.notifiers`, this one included.
"""
