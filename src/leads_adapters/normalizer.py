"""E-mail addresses and telephone numbers of the whole world, as email-validator and phonenumbers know them."""

import re
from collections.abc import Collection
from functools import lru_cache
from unicodedata import normalize

import phonenumbers
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from leads_domain.contact import EmailAddress, PhoneNumber
from leads_domain.errors import ValidationFailed

EMAIL_MAX = 254  # RFC 5321, 4.5.3.1.3, erratum 1690
PHONE_MAX = 50
REASON_MAX = 200  # the libraries may list every single character that they dislike

# Measured: the libraries take 30 us for an address, 110 us if its domain is not ASCII, and 16 to 50 us for a number.
# What is plain takes a short cut of 2 to 4 us; property tests show that both ways agree.
_PLAIN_EMAIL = re.compile(r"(?P<local>[\w+-]+(?:\.[\w+-]+)*)@(?P<domain>[^@]+)", re.ASCII)
_PLAIN_DOMAIN = re.compile(r"(?=.{1,63}\Z)(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?P<top>[a-z]+)")
_PLAIN_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_SPECIAL_TOPS = {name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES}
_PHONE_SEPARATORS = str.maketrans("", "", " ()/-")
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])

# What spreadsheets and exports put around a number: ="+49...", '+49..., p:+49..., 4930123456.0
_QUOTES = "='\"`\u00b4\u2018\u2019\u201c\u201d \t\r\n"
_LABEL = re.compile(r"(?:p|t|m|tel|phone|mobile|callto|whatsapp)[.:]+\s*", re.IGNORECASE)
# 00 and 25 are groups of digits, not decimals, in 01.23.45.67.00 and 030.123456.25.
_ADDED_ZEROS = re.compile(r"(?!.*\.\d{1,4}\.00\W*\Z)(.*\d)(?:\W*[.,]00?|(?<=\d{6})[.,]0+)\W*")
_DECIMAL = re.compile(r"(?!.*\.\d+\.\d{1,2}\W*\Z).*\d\W*[.,]\d{1,2}\W*")
_SCIENTIFIC = re.compile(r"\+?[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_NEXT_NUMBER = re.compile(r"[/,;|&\r\n\t]|:::|\b(?:or|and|oder|und)\b|(?<=[0-9])\s*(?=\+)")
_SECOND_NUMBER = re.compile(r"[\s(]*\+?(?:[ ().-]*[0-9]){6,}")

_TRUNK_PREFIX = "This number has too few digits after its trunk prefix, or a second such prefix. Check it for slips."
# Until 2019, mobile numbers in Mexico had a 1 after the country calling code, and trunk prefixes within the country.
_MEXICO, _MEXICAN_TRUNK, _OLD_MEXICAN = 52, "[01]", re.compile(r"(?:1|01|04[45])([0-9]{10})")

# phonenumbers by itself reads letters as the digits of a vanity number and overlooks other text.
_WRITTEN_PHONE = re.compile(
    r"(?P<number>[\d\s+()\[\]./\-\u2010-\u2015\u2212]+)"
    r"(?:(?:;ext=|(?:extn?|extension|extensión|anexo|int|доб|x|#)[.:]?\s*)(?P<extension>[0-9]{1,20}))?",
    re.IGNORECASE,
)


class InternationalNormalizer:
    """The `Normalizer` port for any country and script.

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
            raise ValidationFailed.because(
                f"An e-mail address has at most {EMAIL_MAX} characters; this has {len(address)}."
            )
        if not address.isprintable():
            raise ValidationFailed.because("Remove the control characters and other invisible characters.")
        try:
            return EmailAddress(address, _plain_key(address) or _stable_key(address))
        except EmailNotValidError as error:
            raise ValidationFailed.because(_advice(str(error))) from error

    def phone(self, text: str) -> PhoneNumber:
        """See `Normalizer.phone`, and "Phone numbers" in docs/api.md for what is cleaned and what is refused."""
        written = text.strip()
        if len(written) > PHONE_MAX:
            raise ValidationFailed.because(
                f"A telephone number has at most {PHONE_MAX} characters; this has {len(written)}."
            )
        plain = written.translate(_PHONE_SEPARATORS)
        if _is_plain_phone(plain):
            return PhoneNumber(plain)
        written = _unwrapped(written)
        match = _WRITTEN_PHONE.fullmatch(written)
        if self._has_several(written):
            raise ValidationFailed.because("Give one telephone number here, and put others among the attributes.")
        if match is None:
            raise ValidationFailed.because(_how_to_write(written))
        return PhoneNumber(self._e164(_whole(match["number"].strip())), match["extension"])

    def _has_several(self, written: str) -> bool:
        """Tell whether a whole number is followed by what may be another one. A short rest is an extension."""
        first, *others = _NEXT_NUMBER.split(written)
        if not any(map(_SECOND_NUMBER.fullmatch, others)):
            return False
        try:
            return phonenumbers.is_valid_number(phonenumbers.parse(first, self._default_region))
        except phonenumbers.NumberParseException:
            return False

    def _e164(self, number: str) -> str:
        if _is_plain_phone(number):
            return number
        e164 = _read_phone(number, self._default_region)
        if not _is_plain_phone(e164) and _read_phone(e164, None) != e164:  # one trunk prefix gone, another one left
            raise ValidationFailed.because(_TRUNK_PREFIX)
        return e164


def _unwrapped(written: str) -> str:
    """Return a number without what spreadsheets and exports add to it."""
    number = normalize("NFKC", written.translate(_INVISIBLE)).strip(_QUOTES)
    number = _LABEL.sub("", number, count=1) if _LABEL.match(number) else number
    return _whole(number.strip(_QUOTES + ",;"))


def _whole(number: str) -> str:
    """Return a number without the decimal zeros of a spreadsheet. Other decimals are refused."""
    if match := _ADDED_ZEROS.fullmatch(number):
        return match[1]
    if _DECIMAL.fullmatch(number):
        raise ValidationFailed.because(
            "A spreadsheet made this number a decimal number. Format its column as text, and enter the number again."
        )
    return number


def _how_to_write(written: str) -> str:
    if _SCIENTIFIC.fullmatch(written):
        return (
            "A spreadsheet turned this number into scientific notation, which loses digits. "
            "Format its column as text, and enter the number again."
        )
    return 'Write the number in digits, such as "+49 30 123456" or "+49 30 123456 ext. 12".'


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
        raise ValidationFailed.because("This address has no stable form. Write it in small letters.")
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
def _numbering_plan(code: int) -> tuple[Collection[int], re.Pattern[str], re.Pattern[str]] | None:
    """Return how many digits may follow this country calling code, what phonenumbers drops there, and trunk prefixes.

    None if the code is not in use.
    """
    region = phonenumbers.region_code_for_country_code(code)
    plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if plan is None or plan.general_desc is None:
        return None
    trunk = _MEXICAN_TRUNK if code == _MEXICO else plan.national_prefix or "(?!)"
    return plan.general_desc.possible_length, re.compile(plan.national_prefix_for_parsing or trunk), re.compile(trunk)


def _read_phone(number: str, region: str | None) -> str:
    try:
        read = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE:
            advice = 'Begin with + and the country calling code, such as "+49 30 123456".'
            if not number.startswith("+"):
                advice += " Numbers without one need the setting `default_region`."
            raise ValidationFailed.because(advice) from error
        raise ValidationFailed.because('This is not a telephone number. Write it like "+49 30 123456".') from error
    _drop_old_prefix(read)
    if phonenumbers.is_possible_number_with_reason(read) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValidationFailed.because(
            "This number has too few or too many digits for its country. Check it for slips."
        )
    if _begins_with_trunk_prefix(read) and not phonenumbers.is_valid_number(read):
        raise ValidationFailed.because(_TRUNK_PREFIX)
    return phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)


def _drop_old_prefix(read: phonenumbers.PhoneNumber) -> None:
    old = _OLD_MEXICAN.fullmatch(phonenumbers.national_significant_number(read))
    if old and read.country_code == _MEXICO:
        read.national_number, read.italian_leading_zero, read.number_of_leading_zeros = int(old[1]), None, None


def _begins_with_trunk_prefix(read: phonenumbers.PhoneNumber) -> bool:
    """Tell whether phonenumbers kept a trunk prefix, as it does if the number would be too short without it.

    Assigned numbers may begin with the same digits: +7 800 in Russia, whose trunk prefix is 8.
    """
    plan = _numbering_plan(read.country_code or 0)
    return plan is not None and plan[2].match(phonenumbers.national_significant_number(read)) is not None
