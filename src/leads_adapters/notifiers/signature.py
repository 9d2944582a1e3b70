"""Write what belongs below a message in an e-mail."""

from leads_domain.notifier import FollowUpNotice


def unsubscribe_line(notice: FollowUpNotice) -> str:
    """Return how the lead can opt out; empty if the notice has no unsubscribe link."""
    # The link has its own line: programs that wrap long lines would break it.
    url = notice.unsubscribe_url
    return f"If you want no more messages from us, open this page:\n{url}" if url else ""


def sign(message: str, *parts: str) -> str:
    """Return a message with these parts as its signature. Mail programs remove a signature from replies.

    The separator is a line of two hyphens and a blank (RFC 3676, 4.3).
    """
    signature = "\n\n".join(filter(None, parts))
    return f"{message}\n\n-- \n{signature}" if signature else message
