"""The channels that come with the service, and how those of others are found.

Every adapter, ours too, is a factory `(options: Mapping[str, str]) -> FollowUpNotifier` that a package
registers under the entry-point group `leads.notifiers`.
"""
