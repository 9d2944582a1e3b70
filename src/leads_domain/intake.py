"""Understand submissions: which fields mean what, and whether they are spam."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from leads_domain.captured import captured_as, captured_values
from leads_domain.contact import NO_CONTACT
from leads_domain.control_characters import on_one_line, remove_controls
from leads_domain.details import (
    ATTRIBUTE_NAME_MAX,
    ATTRIBUTE_TEXT_MAX,
    ATTRIBUTES_MAX,
    NAME_MAX,
    SOURCE_MAX,
    is_placeholder,
)
from leads_domain.enquiry import MESSAGE_MAX, EnquiryInput
from leads_domain.errors import FieldError, ValidationFailed
from leads_domain.field_names import assign_fields
from leads_domain.field_values import first_value, joined_name, without_label
from leads_domain.lenient import as_given
from leads_domain.mail_enquiry import enquiry_of
from leads_domain.mail_submission import is_mailbox, mail_of
from leads_domain.mailbox_policy import DEFAULT_MAILBOX_POLICY, MailboxPolicy
from leads_domain.sources import Normalizer
from leads_domain.spam import ELAPSED_FIELD, honeypot_reason, links_reason, speed_reason
from leads_domain.submission import Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakePolicy:
    """The settings of an origin: the values and rules for submissions that come from it.

    `fields` says which field of an enquiry a field of the form fills. Without an entry, its name decides.
    """

    source: str | None = None
    owner: str | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)
    honeypot: str | None = None
    minimum_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Understood:
    """The meaning of a submission: its enquiry, the errors that a person must correct, and the reason if it is spam.

    Each error points to the field of the submission. There are none if the enquiry has an e-mail address or a phone
    number: other values that are wrong are attributes of the enquiry.
    """

    enquiry: EnquiryInput
    errors: Sequence[FieldError]
    spam_reason: str | None


@dataclass(frozen=True, slots=True)
class Intake:
    """Understands submissions by the policy of their origin. An unknown origin has the default policy.

    `mailboxes` has the policies of mailboxes, by origin.
    """

    normalizer: Normalizer
    policies: Mapping[str, IntakePolicy]
    mailboxes: Mapping[str, MailboxPolicy] = field(default_factory=dict)

    def mailbox(self, origin: str) -> MailboxPolicy:
        """Return the policy of a mailbox."""
        return self.mailboxes.get(origin, DEFAULT_MAILBOX_POLICY)

    def understand(self, submission: Submission) -> Understood:
        """Return what a submission means. What a `capture` key has sent was checked, and means what it says.

        `ProcessMail` decides what a message is; this tells what it means as an enquiry. Rules for spam do not apply.
        """
        if captured_as(submission.origin):
            return Understood(captured_values(submission.content), (), None)
        if is_mailbox(submission.origin):
            mail, mailbox = mail_of(submission.content), self.mailbox(submission.origin)
            enquiry = enquiry_of(mail, mailbox, self.normalizer)
            return Understood(enquiry, () if "email" in enquiry else [NO_CONTACT], None)
        policy = self.policies.get(submission.origin, _DEFAULT_POLICY)
        enquiry, errors = _Reader(submission.content, policy, self.normalizer).read()
        spam_reason = (
            honeypot_reason(submission.content, policy.honeypot)
            or speed_reason(submission.content, policy.minimum_seconds)
            or links_reason(enquiry.get("message") or "")
        )
        return Understood(enquiry, errors, spam_reason)


_DEFAULT_POLICY = IntakePolicy()


class _Reader:
    """Reads the fields of one submission. Each field without another use becomes an attribute."""

    def __init__(self, content: Mapping[str, str], policy: IntakePolicy, normalizer: Normalizer) -> None:
        hidden = (policy.honeypot, ELAPSED_FIELD)
        shown = {name: value for name, value in content.items() if name not in hidden}
        plain = {on_one_line(name).strip(): remove_controls(value).strip() for name, value in shown.items()}
        self._left = {name: value for name, value in plain.items() if value}
        names = list(self._left)
        self._fields = {
            field: [names[position] for position in positions]
            for field, positions in assign_fields(names, policy.fields).items()
        }
        self._policy = policy
        self._normalizer = normalizer
        self._wrong: dict[str, str] = {}
        self._errors: list[FieldError] = []

    def read(self) -> tuple[EnquiryInput, Sequence[FieldError]]:
        """Return the enquiry and the errors."""
        email = self._contact("email", self._normalizer.email)
        phone = self._contact("phone", self._normalizer.phone)
        values: dict[str, Any] = {
            "name": self._name(),
            "email": email,
            "phone": phone,
            "source": self._text("source", SOURCE_MAX) or self._policy.source,
            "owner": self._policy.owner,
        }
        attributes, message = self._attributes(self._message())
        values |= {"attributes": attributes, "message": message}
        enquiry = cast(EnquiryInput, {field: value for field, value in values.items() if value})
        return enquiry, () if email or phone else self._errors or [NO_CONTACT]

    def _contact(self, field: str, check: Callable[[str], object]) -> str | None:
        """Return the first valid value. Without any, the first wrong one is set aside."""
        wrong: list[tuple[str, Sequence[FieldError]]] = []
        for name in self._fields.get(field, ()):
            text = without_label(first_value(self._left[name])[0])
            text = on_one_line(text) if field == "email" else text
            if is_placeholder(text):
                self._left.pop(name)
                continue
            try:
                check(text)
            except ValidationFailed as invalid:
                wrong.append((name, invalid.errors))
            else:
                self._take(name)
                return text
        for name, errors in wrong[:1]:
            self._wrong[as_given(field)] = self._left.pop(name)
            self._errors += (error.under(name) for error in errors)
        return None

    def _take(self, name: str) -> None:
        """Use a field. Only a part of it that was not used stays."""
        others = first_value(self._left.pop(name))[1]
        if others:
            self._left[name] = others

    def _name(self) -> str | None:
        names = self._fields.get("name", ())[:1]
        parts = names or [name for part in ("first_name", "last_name") for name in self._fields.get(part, ())[:1]]
        return self._within(joined_name(self._left.pop(part) for part in parts), "name", NAME_MAX)

    def _text(self, field: str, max_length: int) -> str | None:
        names = self._fields.get(field)
        return self._within(self._left.pop(names[0]), field, max_length) if names else None

    def _within(self, text: str, field: str, max_length: int) -> str | None:
        """Return a text on one line. A text that is too long is set aside."""
        line = " ".join(on_one_line(text).split())
        if len(line) <= max_length:
            return line
        self._wrong[as_given(field)] = text
        return None

    def _message(self) -> list[str]:
        return [self._left.pop(name) for name in self._fields.get("message", ())]

    def _attributes(self, message: list[str]) -> tuple[dict[str, Any], str]:
        """Return the attributes, and the message with all that they cannot hold."""
        attributes: dict[str, Any] = {}
        for name, value in {**self._wrong, **self._left}.items():
            short = name[:ATTRIBUTE_NAME_MAX] or "_"
            if short in attributes or len(attributes) == ATTRIBUTES_MAX:
                message.append(f"{name}: {value}")
                continue
            attributes[short] = value[:ATTRIBUTE_TEXT_MAX].strip()
            if rest := value[ATTRIBUTE_TEXT_MAX:]:
                message.append(f"{name}: ...{rest}")
        return attributes, "\n\n".join(message)[:MESSAGE_MAX].strip()
