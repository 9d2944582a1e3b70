"""A channel that writes a log line: the default, so that follow-ups can be watched before anything is sent."""

from collections.abc import Mapping

import structlog

from leads_domain.notifier import Address, FollowUpNotice, Receipt


class LoggingNotifier:
    """Logs that a follow-up is due: its identifiers, no personal data and not the message."""

    needs: Address | None = None

    def notify(self, notice: FollowUpNotice) -> Receipt:
        """Write one line."""
        structlog.get_logger("leads.follow_up").info(
            "follow_up",
            follow_up_id=notice.follow_up_id,
            lead_id=notice.lead_id,
            channel=notice.channel,
            attempt=notice.attempt,
        )
        return Receipt()


def create(options: Mapping[str, str]) -> LoggingNotifier:
    """The factory of the adapter `log`, which takes no options; raises `ValueError` if there are any."""
    if options:
        message = f"the log adapter takes no options, not {', '.join(sorted(options))}"
        raise ValueError(message)
    return LoggingNotifier()
