"""E-mail addresses and telephone numbers of the whole world, as email-validator and phonenumbers know them."""

import re
from collections.abc import Collection
from functools import lru_cache
from unicodedata import normalize

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import Invalid

EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3, erratum 1690
PHONE_MAX = 50
REASON_MAX = 200  # the libraries may list every single character that they dislike

# Measured: the libraries take 30 us for an address, 110 us if its domain is not ASCII, and 16 to 50 us for a number.
# What is plain takes a short cut of 2 to 4 us; property tests show that both ways agree.
_PLAIN_EMAIL = re.compile(r"(?P<local>[\w+-]+(?:\.[\w+-]+)*)@(?P<domain>[^@]+)", re.ASCII)
_PLAIN_DOMAIN = re.compile(r"(?=.{1,63}\Z)(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?P<top>[a-z]+)")
_PLAIN_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_SPECIAL_TOPS = {name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES}
_PHONE_SEPARATORS = str.maketrans("", "", " ()./-")

# phonenumbers by itself reads letters as the digits of a vanity number and overlooks other text.
_WRITTEN_PHONE = re.compile(
    r"(?:tel:)?(?P<number>[\d\s+()\[\]./\-\u2010-\u2015\u2212\u200e\u200f\u202a-\u202e]+)"
    r"(?:(?:;ext=|(?:extn?|extension|extensión|anexo|int|доб|x|#)[.:]?\s*)(?P<extension>[0-9]{1,20}))?",
    re.IGNORECASE,
)


class InternationalContacts:
    """The `Contacts` port for any country and script.

    Numbers without a country calling code belong to `default_region` (ISO 3166-1 alpha-2, such as
    "DE"); without one they are refused. Raises `ValueError` if there is no such region.
    """

    def __init__(self, default_region: str | None = None) -> None:
        if default_region is not None and default_region not in phonenumbers.SUPPORTED_REGIONS:
            example = 'Give two capital letters of ISO 3166-1, such as "DE".'
            raise ValueError(f"There is no telephone region {default_region!r}. {example}")
        self._default_region = default_region

    def email(self, text: str) -> EmailAddress:
        """As the port says. Quoted local parts, address literals and special-use domains are refused."""
        address = text.strip()
        if len(address) > EMAIL_MAX:
            raise Invalid.because(f"An e-mail address has at most {EMAIL_MAX} characters; this has {len(address)}.")
        if not address.isprintable():
            raise Invalid.because("Remove the control characters and other invisible characters.")
        try:
            return EmailAddress(address, _plain_key(address) or _stable_key(address))
        except EmailNotValidError as error:
            raise Invalid.because(_advice(str(error))) from error

    def phone(self, text: str) -> PhoneNumber:
        """As the port says. It is enough that the number has a length that its country uses: numbering plans age."""
        written = text.strip()
        if len(written) > PHONE_MAX:
            raise Invalid.because(f"A telephone number has at most {PHONE_MAX} characters; this has {len(written)}.")
        plain = written.translate(_PHONE_SEPARATORS)
        if _is_plain_phone(plain):
            return PhoneNumber(plain)
        match = _WRITTEN_PHONE.fullmatch(normalize("NFKC", written))
        if match is None:
            raise Invalid.because('Write the number in digits, such as "+49 30 123456" or "+49 30 123456 ext. 12".')
        return PhoneNumber(self._e164(match["number"].strip()), match["extension"])

    def _e164(self, number: str) -> str:
        if _is_plain_phone(number):
            return number
        e164 = _read_phone(number, self._default_region)
        if not _is_plain_phone(e164) and _read_phone(e164, None) != e164:  # one trunk prefix gone, another one left
            raise Invalid.because('Write the number without trunk prefixes, such as "+49 30 123456".')
        return e164


def _plain_key(address: str) -> str | None:
    """The key of an address whose local part is plain; None if it takes a closer look to tell."""
    match = _PLAIN_EMAIL.fullmatch(address)
    if match is None:
        return None
    domain, room = _canonical_domain(match["domain"])
    return f"{match['local'].lower()}@{domain}" if len(match["local"]) <= room else None


@lru_cache(maxsize=4096)
def _canonical_domain(domain: str) -> tuple[str, int]:
    """A domain in ASCII, and how many octets its longest form leaves for the local part. Faults are not kept."""
    small = domain.lower()
    if small.isascii() and (plain := _PLAIN_DOMAIN.fullmatch(small)) and plain["top"] not in _SPECIAL_TOPS:
        return small, EMAIL_MAX - len(small) - len("@")
    valid = validate_email(f"a@{domain}", check_deliverability=False)
    longest = max(len(form.encode()) for form in (domain, valid.domain, valid.ascii_domain))
    return valid.ascii_domain, EMAIL_MAX - longest - len("@")


def _stable_key(address: str) -> str:
    """The key of any address; it is an address itself and its own key, or the address is refused."""
    key = _key(address)
    if key != address and _key(key) != key:
        raise Invalid.because("This address has no stable form. Write it in small letters.")
    return key


def _key(address: str) -> str:
    """Canonical caseless matching (Unicode 3.13, D145), composed again."""
    valid = validate_email(address, check_deliverability=False)
    return f"{normalize('NFC', normalize('NFD', valid.local_part).casefold())}@{valid.ascii_domain}"


def _advice(reason: str) -> str:
    reason = reason.rstrip(".") if len(reason) <= REASON_MAX else "This is not an e-mail address"
    return f"{reason}. Write it like name@example.com."


def _is_plain_phone(number: str) -> bool:
    """Whether `number` is in E.164 form, possible, and without anything that looks like a trunk prefix."""
    if not _PLAIN_PHONE.fullmatch(number):
        return False
    for end in (2, 3, 4):
        if plan := _numbering_plan(int(number[1:end])):
            national = number[end:]
            return len(national) in plan[0] and not plan[1].match(national)
    return False


@lru_cache(maxsize=1024)
def _numbering_plan(code: int) -> tuple[Collection[int], re.Pattern[str]] | None:
    """How many digits may follow this country calling code, and what is a trunk prefix there; None if nobody has it."""
    region = phonenumbers.region_code_for_country_code(code)
    plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if plan is None or plan.general_desc is None:
        return None
    return plan.general_desc.possible_length, re.compile(plan.national_prefix_for_parsing or r"(?!)")


def _read_phone(number: str, region: str | None) -> str:
    try:
        read = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE:
            advice = 'Begin with + and the country calling code, such as "+49 30 123456".'
            if not number.startswith("+"):
                advice += " Numbers without one need the setting `default_region`."
            raise Invalid.because(advice) from error
        raise Invalid.because('This is not a telephone number. Write it like "+49 30 123456".') from error
    if not phonenumbers.is_possible_number(read):
        raise Invalid.because("This number has too few or too many digits for its country. Check it for slips.")
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)
