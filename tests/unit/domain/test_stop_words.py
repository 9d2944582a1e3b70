"""Test which messages ask to receive no more messages."""

import time

import pytest

from leads_domain.stop_words import asks_to_stop

SUBJECT = "Re: Your quote"


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        "  Stop.\n\n",
        "*STOP!!!*",
        "»Unsubscribe«",
        "UNSUBSCRIBE",
        "Stopp",
        "Abmelden",
        "STOP\n\n> Hello Ada, do you have questions?\n> -- \n> The shop",
        "> Hello Ada, do you have questions?\n\nSTOP",
        "> quoted\n> > twice\nSTOP\n> quoted again",
        "STOP\n\nOn Mon, Jan 5, 2026 at 12:00 PM Shop <sales@example.com> wrote:\n> Hello Ada",
        "STOP\n\nOn Mon, Jan 5, 2026 at 12:00 PM Shop <sales@example.com>\nwrote:\n\n> Hello Ada",
        "STOP\n\nAm 5. Januar 2026 12:00:00 MEZ schrieb Shop <sales@example.com>:\n>Hello",
        "Am 05.01.26 um 12:00 schrieb Shop:\n> Hello Ada\n\nstop",
        "STOP\n\nLe lun. 5 janv. 2026 à 12:00, Shop a écrit :\n\nHello Ada, do you have questions?",
        "STOP\n\nOn 5 Jan 2026, Shop wrote:\n\nHello Ada, which the program does not mark as quoted.",
        "STOP\n-- \nAda Muster\nMain Street 1",
        "STOP\n--\nAda Muster",
        "STOP\n\nSent from my iPhone",
        "STOP\n\nVon meinem iPhone gesendet",
        "stop\r\n\r\n-----Original Message-----\r\nFrom: Shop\r\nSubject: Your quote\r\n\r\nHello Ada",
        "STOP\n\nFrom: Shop <sales@example.com>\nSent: Monday 12:00 PM\nTo: Ada\nSubject: Quote\n\nHello",
        "STOP\n\n*Von:* Shop <sales@example.com>\n*Gesendet:* Montag, 5. Januar 2026 12:00\n*An:* Ada\n\nHallo Ada",
        "STOP\n\nGet Outlook for iOS<https://aka.ms/o0ukef>",
        "stop\n\n________________________________\nVon: Shop\nBetreff: Quote\n\nHello",
    ],
)
def test_a_message_of_one_stop_word_asks_to_stop(text: str) -> None:
    assert asks_to_stop(SUBJECT, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Please stop the delivery.",
        "Stop by on Monday!",
        "STOP\nNo, wait: I would like to order.",
        "non-stop",
        "> STOP",
        "> unsubscribe\n\nYes, please call me.",
        "Yes.\n-- \nSTOP",
        "On 5 Jan 2026, Shop wrote:\nSTOP",
        "stop stop",
        "STOP\nFrom: tomorrow\nI am away.",
        "s" * 100_000,
    ],
)
def test_other_messages_do_not(text: str) -> None:
    assert not asks_to_stop(SUBJECT, text)


@pytest.mark.parametrize("text", ["", "\n> Hello Ada\n", "-- \nAda Muster", "Sent from my iPhone"])
@pytest.mark.parametrize("subject", ["unsubscribe", "Re: STOP", "AW: Re:Abmelden!"])
def test_without_text_the_subject_counts(subject: str, text: str) -> None:
    assert asks_to_stop(subject, text)
    assert not asks_to_stop(subject, f"Do not, please.\n{text}")


@pytest.mark.parametrize(
    "line",
    [
        "on a wrote:\n>\n",
        "on wrote wrote wrote " * 19 + "\n",
        "> \n",
        "\n",
        "-" * 60 + "\n",
        "re: re: ",
        "from:\n",
        "." * 10_000 + "\n",
    ],
)
def test_hostile_text_takes_little_time(line: str) -> None:
    text = line * (65_536 // len(line))
    started = time.process_time()
    assert not asks_to_stop(text[:1000], text)
    assert time.process_time() - started < 0.5
