"""Write follow-ups to the log. This is the default channel: you can watch follow-ups before you send any."""

from collections.abc import Mapping

import structlog

from leads_domain.notifier import Address, FollowUpNotice, NoticeKind, Receipt


class LoggingNotifier:
    """Log the ids of a due follow-up or digest, without its message and without personal data."""

    needs: Address | None = None

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Log one line."""
        ids = {"follow_up_id": notice.follow_up_id, "lead_id": notice.lead_id}
        if notice.kind is NoticeKind.DIGEST:
            ids = {"digest_id": notice.follow_up_id}
        structlog.get_logger("leads.follow_up").info(
            notice.kind.value, **ids, channel=notice.channel, attempt=notice.attempt
        )
        return Receipt()


def create(options: Mapping[str, str]) -> LoggingNotifier:
    """Create a notifier of the adapter `log`; raises `ValueError` for options, because it has none."""
    if options:
        message = f"the adapter log has no options; remove {', '.join(sorted(options))}"
        raise ValueError(message)
    return LoggingNotifier()
