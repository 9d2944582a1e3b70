"""Normalise e-mail addresses and phone numbers of all countries, with email-validator and phonenumbers."""

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
LIBRARY_MESSAGE_MAX = 200  # the libraries may list every invalid character

# Plain addresses and numbers take a faster path than the libraries. Property tests check that both paths agree.
_PLAIN_EMAIL = re.compile(r"(?P<local>[\w+-]+(?:\.[\w+-]+)*)@(?P<domain>[^@]+)", re.ASCII)
_PLAIN_DOMAIN = re.compile(r"(?=.{1,63}\Z)(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+(?P<top>[a-z]+)")
_PLAIN_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_SPECIAL_TOPS = {name.rpartition(".")[2] for name in SPECIAL_USE_DOMAIN_NAMES}
_PHONE_SEPARATORS = str.maketrans("", "", " ()/-")
_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])

# Decoration that spreadsheets and exports add to a number: ="+49...", '+49..., p:+49..., 4930123456.0
_QUOTES = "='\"`\u00b4\u2018\u2019\u201c\u201d \t\r\n"
_LABEL = re.compile(r"(?:p|t|m|tel|phone|mobile|callto|whatsapp)[.:]+\s*", re.IGNORECASE)
# In 01.23.45.67.00 and 030.123456.25, the last group is digits of the number, not decimals.
_ADDED_ZEROS = re.compile(r"(?!.*\.\d{1,4}\.00\W*\Z)(.*\d)(?:\W*[.,]00?|(?<=\d{6})[.,]0+)\W*")
_DECIMAL = re.compile(r"(?!.*\.\d+\.\d{1,2}\W*\Z).*\d\W*[.,]\d{1,2}\W*")
_SCIENTIFIC = re.compile(r"\+?[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_NEXT_NUMBER = re.compile(r"[/,;|&\r\n\t]|:::|\b(?:or|and|oder|und)\b|(?<=[0-9])\s*(?=\+)")
_SECOND_NUMBER = re.compile(r"[\s(]*\+?(?:[ ().-]*[0-9]){6,}")

_TRUNK_PREFIX = (
    "This number has too few digits after its national prefix, such as 0, or has the prefix twice. "
    "Check it for typing errors."
)
# Until 2019, Mexican mobile numbers had a 1 after the country calling code, and trunk prefixes within Mexico.
_MEXICO, _MEXICAN_TRUNK, _OLD_MEXICAN = 52, "[01]", re.compile(r"(?:1|01|04[45])([0-9]{10})")

# phonenumbers alone would read letters as the digits of a vanity number, and ignore other text.
_TYPED_PHONE = re.compile(
    r"(?P<number>[\d\s+()\[\]./\-\u2010-\u2015\u2212]+)"
    r"(?:(?:;ext=|(?:extn?|extension|extensión|anexo|int|доб|x|#)[.:]?\s*)(?P<extension>[0-9]{1,20}))?",
    re.IGNORECASE,
)


class InternationalNormalizer:
    """Implements `Normalizer` for all countries and scripts.

    Numbers without a country calling code belong to `default_region` (ISO 3166-1 alpha-2, such as "DE"). Without a
    default region, they are refused. Raises `ValueError` for an unknown region.
    """

    def __init__(self, default_region: str | None = None) -> None:
        if default_region is not None and default_region not in phonenumbers.SUPPORTED_REGIONS:
            example = 'Use two capital letters of ISO 3166-1, such as "DE".'
            raise ValueError(f"There is no phone region {default_region!r}. {example}")
        self._default_region = default_region

    def email(self, text: str) -> EmailAddress:
        """See `Normalizer.email`. Refuses quoted local parts, address literals and special-use domains."""
        address = text.strip()
        if len(address) > EMAIL_MAX:
            raise ValidationFailed.because(f"Must have at most {EMAIL_MAX} characters, but has {len(address)}.")
        if not address.isprintable():
            raise ValidationFailed.because("Remove the control characters and other invisible characters.")
        try:
            return EmailAddress(address, _plain_key(address) or _stable_key(address))
        except EmailNotValidError as error:
            raise ValidationFailed.because(_email_advice(str(error))) from error

    def phone(self, text: str) -> PhoneNumber:
        """See `Normalizer.phone`, and "Phone numbers" in docs/api.md for the rules."""
        typed = text.strip()
        if len(typed) > PHONE_MAX:
            raise ValidationFailed.because(f"Must have at most {PHONE_MAX} characters, but has {len(typed)}.")
        plain = typed.translate(_PHONE_SEPARATORS)
        if _is_plain_phone(plain):
            return PhoneNumber(plain)
        typed = _without_decoration(typed)
        match = _TYPED_PHONE.fullmatch(typed)
        if self._has_several(typed):
            raise ValidationFailed.because("Enter one phone number here, and put others into attributes.")
        if match is None:
            raise ValidationFailed.because(_phone_advice(typed))
        return PhoneNumber(self._e164(_without_decimals(match["number"].strip())), match["extension"])

    def _has_several(self, typed: str) -> bool:
        """Return whether a valid number is followed by a possible second one. Few more digits are an extension."""
        first, *others = _NEXT_NUMBER.split(typed)
        if not any(map(_SECOND_NUMBER.fullmatch, others)):
            return False
        try:
            return phonenumbers.is_valid_number(phonenumbers.parse(first, self._default_region))
        except phonenumbers.NumberParseException:
            return False

    def _e164(self, number: str) -> str:
        if _is_plain_phone(number):
            return number
        e164 = _parse_phone(number, self._default_region)
        if not _is_plain_phone(e164) and _parse_phone(e164, None) != e164:  # a second trunk prefix is left
            raise ValidationFailed.because(_TRUNK_PREFIX)
        return e164


def _without_decoration(typed: str) -> str:
    """Remove what spreadsheets and exports add to a number."""
    number = normalize("NFKC", typed.translate(_INVISIBLE)).strip(_QUOTES)
    number = _LABEL.sub("", number, count=1) if _LABEL.match(number) else number
    return _without_decimals(number.strip(_QUOTES + ",;"))


def _without_decimals(number: str) -> str:
    """Remove the decimal zeros of a spreadsheet. Raises `ValidationFailed` for other decimals."""
    if match := _ADDED_ZEROS.fullmatch(number):
        return match[1]
    if _DECIMAL.fullmatch(number):
        raise ValidationFailed.because(
            "A spreadsheet turned this number into a decimal. Format its column as text, and enter the number again."
        )
    return number


def _phone_advice(typed: str) -> str:
    if _SCIENTIFIC.fullmatch(typed):
        return (
            "A spreadsheet turned this number into scientific notation, which loses digits. "
            "Format its column as text, and enter the number again."
        )
    return 'Write the number in digits, such as "+49 30 123456" or "+49 30 123456 ext. 12".'


def _plain_key(address: str) -> str | None:
    """Return the key of an address with a plain local part, or None for any other address."""
    match = _PLAIN_EMAIL.fullmatch(address)
    if match is None:
        return None
    domain, local_part_max = _canonical_domain(match["domain"])
    return f"{match['local'].lower()}@{domain}" if len(match["local"]) <= local_part_max else None


@lru_cache(maxsize=4096)
def _canonical_domain(domain: str) -> tuple[str, int]:
    """Return a domain in ASCII, and the maximum length of the local part in octets. Errors are not cached."""
    lower_case = domain.lower()
    if lower_case.isascii() and (plain := _PLAIN_DOMAIN.fullmatch(lower_case)) and plain["top"] not in _SPECIAL_TOPS:
        return lower_case, EMAIL_MAX - len(lower_case) - len("@")
    valid = validate_email(f"a@{domain}", check_deliverability=False)
    longest_domain = max(len(form.encode()) for form in (domain, valid.domain, valid.ascii_domain))
    return valid.ascii_domain, EMAIL_MAX - longest_domain - len("@")


def _stable_key(address: str) -> str:
    """Return the key of any address. Raises `ValidationFailed` if the key of the key is a different one."""
    key = _key(address)
    if key != address and _key(key) != key:
        raise ValidationFailed.because("The lower case of this address is ambiguous. Write it in lower-case letters.")
    return key


def _key(address: str) -> str:
    """Fold the address for canonical caseless matching (Unicode 3.13, D145), in NFC."""
    valid = validate_email(address, check_deliverability=False)
    return f"{normalize('NFC', normalize('NFD', valid.local_part).casefold())}@{valid.ascii_domain}"


def _email_advice(reason: str) -> str:
    reason = reason.rstrip(".") if len(reason) <= LIBRARY_MESSAGE_MAX else "This is not an e-mail address"
    reason = reason.replace("email", "e-mail")
    return f"{reason}. Write it like name@example.com."


def _is_plain_phone(number: str) -> bool:
    """Return whether a number is in E.164 form, has a possible length, and starts with no trunk prefix."""
    if not _PLAIN_PHONE.fullmatch(number):
        return False
    for end in (2, 3, 4):
        if plan := _numbering_plan(int(number[1:end])):
            national = number[end:]
            return len(national) in plan[0] and not plan[1].match(national)
    return False


@lru_cache(maxsize=1024)
def _numbering_plan(code: int) -> tuple[Collection[int], re.Pattern[str], re.Pattern[str]] | None:
    """Return the numbering plan of a country calling code, or None if the code is not in use.

    The plan is the possible numbers of digits, the prefixes that phonenumbers removes, and the trunk prefixes.
    """
    region = phonenumbers.region_code_for_country_code(code)
    plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    if plan is None or plan.general_desc is None:
        return None
    trunk = _MEXICAN_TRUNK if code == _MEXICO else plan.national_prefix or "(?!)"
    return plan.general_desc.possible_length, re.compile(plan.national_prefix_for_parsing or trunk), re.compile(trunk)


def _parse_phone(number: str, region: str | None) -> str:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE:
            advice = 'Begin with + and the country calling code, as in "+49 30 123456".'
            if not number.startswith("+"):
                advice += " Numbers without one need the setting `default_region`."
            raise ValidationFailed.because(advice) from error
        raise ValidationFailed.because('This is not a phone number. Write it like "+49 30 123456".') from error
    _remove_old_mexican_prefix(parsed)
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValidationFailed.because(
            "This number has too few or too many digits for its country. Check it for typing errors."
        )
    if _begins_with_trunk_prefix(parsed) and not phonenumbers.is_valid_number(parsed):
        raise ValidationFailed.because(_TRUNK_PREFIX)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _remove_old_mexican_prefix(parsed: phonenumbers.PhoneNumber) -> None:
    match = _OLD_MEXICAN.fullmatch(phonenumbers.national_significant_number(parsed))
    if match and parsed.country_code == _MEXICO:
        parsed.national_number, parsed.italian_leading_zero, parsed.number_of_leading_zeros = int(match[1]), None, None


def _begins_with_trunk_prefix(parsed: phonenumbers.PhoneNumber) -> bool:
    """Return whether a number still begins with a trunk prefix. phonenumbers keeps it if the rest would be too short.

    Assigned numbers may begin with the same digits: +7 800 in Russia, where the trunk prefix is 8.
    """
    plan = _numbering_plan(parsed.country_code or 0)
    return plan is not None and plan[2].match(phonenumbers.national_significant_number(parsed)) is not None
