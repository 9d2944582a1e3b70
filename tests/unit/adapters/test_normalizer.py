"""Test the normalizer of e-mail addresses and phone numbers against two libraries."""

import re
import sys
from time import process_time
from unicodedata import normalize

import idna
import phonenumbers
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from leads_adapters.normalizer import InternationalNormalizer
from leads_domain.contact import PhoneNumber
from leads_domain.errors import ValidationFailed

NORMALIZER = InternationalNormalizer()

MANY = settings(max_examples=5 * settings().max_examples)
"""Many examples: texts for which adapter and library differ are rare."""


def fold(local_part: str) -> str:
    return normalize("NFC", normalize("NFD", local_part).casefold())


def key_by_library(text: str) -> str | None:
    """Return the key of an address by email-validator alone; None if it refuses the address."""
    try:
        valid = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{fold(valid.local_part)}@{valid.ascii_domain}"


def key_by_adapter(text: str) -> str | None:
    try:
        return NORMALIZER.email(text).key
    except ValidationFailed:
        return None


def number_by_library(text: str) -> str | None:
    """Return the number by phonenumbers alone; None if it cannot be called from abroad as written."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE or begins_with_a_trunk_prefix(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def begins_with_a_trunk_prefix(number: phonenumbers.PhoneNumber) -> bool:
    """Return True if an unassigned number starts with the trunk prefix of its country."""
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    prefix = phonenumbers.ndd_prefix_for_region(region, True)
    national = phonenumbers.national_significant_number(number)
    return bool(prefix and national.startswith(prefix)) and not phonenumbers.is_valid_number(number)


def expected_number(text: str) -> str | None:
    """Return the number that the adapter must return. It must refuse numbers that it cannot parse again."""
    number = number_by_library(text)
    return number if number is not None and number_by_library(number) == number else None


def number_by_adapter(text: str) -> str | None:
    try:
        return str(NORMALIZER.phone(text))
    except ValidationFailed:
        return None


plain_locals = st.text("aZ09_+-", min_size=1, max_size=4)
dotted_locals = st.lists(st.text("aZ09_+-.'", max_size=4), min_size=1, max_size=3).map(".".join)
long_locals = st.integers(60, 70).map("a".__mul__)
labels = (
    st.text("aZ09-", max_size=4)
    | st.text("aZ0-_. \u00fc\u00df\u0130\u05d0\u3002\u0301", min_size=1, max_size=3)
    | st.sampled_from(["example", "EXAMPLE", "xn--", "xn--mller-kva", "XN--MLLER-KVA", "xn--a", "ab--c", "M\u00dcLLER"])
    | st.integers(61, 65).map("a".__mul__)
    | st.integers(20, 64).map("\u00fc".__mul__)
)
top_labels = (
    st.sampled_from(
        [
            "com",
            "COM",
            "c",
            "co-m",
            "123",
            "c0",
            "0c",
            "test",
            "Local",
            "localhost",
            "invalid",
            "onion",
            "arpa",
            "example",
        ]
    )
    | labels
)
domains = st.lists(labels, max_size=4).flatmap(lambda left: top_labels.map(lambda top: ".".join([*left, top])))


@st.composite
def addresses_near_the_maximum_length(draw: st.DrawFn) -> str:
    umlauts = "\u00fc" * 40
    spellings = [umlauts, "u\u0308" * 20, "xn--" + umlauts.encode("punycode").decode()]
    domain = ".".join([*draw(st.lists(st.sampled_from(["a" * 30, *spellings]), max_size=4)), "com"])
    ascii_domain = idna.encode(domain, uts46=True).decode()
    forms = [domain, ascii_domain, idna.decode(ascii_domain)]
    octets = draw(st.sampled_from([len(form.encode()) for form in forms]))
    return "a" * max(1, draw(st.integers(252, 256)) - octets - 1) + "@" + domain


@MANY
@given(st.builds("{}@{}".format, plain_locals | dotted_locals | long_locals, domains))
@example("a" * 64 + "@example.com")
@example("a" * 65 + "@example.com")
@example("a@example.com.")
@example("a@.example.com")
@example("a@b@example.com")
@example("a@exa\u212aple.com")
@example("\u212a@example.com")
def test_agrees_with_email_validator_on_plain_addresses(text: str) -> None:
    assert key_by_adapter(text) == key_by_library(text.strip())


@given(addresses_near_the_maximum_length())
@example("a" * 242 + "@example.com")
@example("a" * 243 + "@example.com")
def test_agrees_with_email_validator_on_the_maximum_length_of_an_address(text: str) -> None:
    assert key_by_adapter(text) == key_by_library(text)


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"]), min_size=1, max_size=130))
def test_refuses_an_address_whose_key_is_not_an_address(local_part: str) -> None:
    key = key_by_adapter(f"{local_part}@example.com")

    assert key is None or key_by_library(key) == key


def test_refuses_an_address_that_grows_too_long_when_folded() -> None:
    assert key_by_library("\u0130" * 121 + "@example.com") is not None
    with pytest.raises(ValidationFailed, match="too long"):
        NORMALIZER.email("\u0130" * 121 + "@example.com")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Stra\u00dfe@stra\u00dfe.de", "strasse@xn--strae-oqa.de"),
        (
            "\u0391\u03a3@\u03c0\u03b1\u03c1\u03ac\u03b4\u03b5\u03b9\u03b3\u03bc\u03b1.com",
            "\u03b1\u03c3@xn--hxajbheg2az3al.com",
        ),
        ("\u0130stanbul@example.com", "i\u0307stanbul@example.com"),
        ("\u1fd3@example.com", "\u0390@example.com"),
        ("\u1fb3\u0323@example.com", "\u03b1\u0323\u03b9@example.com"),
        ("ada@example\u3002com", "ada@example.com"),
        ("o'hara@example.com", "o'hara@example.com"),
    ],
)
def test_folds_an_address_of_any_script(text: str, key: str) -> None:
    assert NORMALIZER.email(text).key == key


@pytest.mark.parametrize("domain", ["printer.local", "site.test", "hidden.onion", "example.invalid", "example.123"])
def test_refuses_domains_that_cannot_receive_mail(domain: str) -> None:
    with pytest.raises(ValidationFailed):
        NORMALIZER.email(f"ada@{domain}")


def test_refuses_a_domain_every_time() -> None:
    for _ in range(2):
        with pytest.raises(ValidationFailed, match="period"):
            NORMALIZER.email("ada@example")


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("ada", "An e-mail address must have an @-sign. Write it like name@example.com."),
        ("ada@exa\u200bmple.com", "Remove the control characters and other invisible characters."),
        ("a" * 1000, "Must have at most 254 characters, but has 1000."),
        ("ada@" + "\u2600" * 200, "This is not an e-mail address. Write it like name@example.com."),
    ],
)
def test_the_error_of_an_address_says_what_to_do(text: str, advice: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        NORMALIZER.email(text)
    assert caught.value.errors[0].detail == advice


@pytest.mark.parametrize(
    "text", ["@" * 1_000_000, " " * 1_000_000, "+1" * 500_000, "1 " * 500_000, "\ufdfa" * 1_000_000]
)
def test_refuses_very_long_texts_quickly(text: str) -> None:
    start = process_time()
    for read in (NORMALIZER.email, NORMALIZER.phone):
        with pytest.raises(ValidationFailed):
            read(text)
    assert process_time() - start < 1


def test_makes_no_dns_query() -> None:
    NORMALIZER.email("ada@example.com")

    assert "email_validator.deliverability" not in sys.modules


MEXICO = 52  # its old forms are normalised: see the tests of trunk prefixes
calling_codes = st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.keys() - {MEXICO})).map(str) | st.text(
    "0123456789", max_size=3
)
trunk_prefixes = st.sampled_from(["", "0", "00", "1", "8", "9", "06", "044", "015"])
digits = st.text("0123456789", max_size=14)


@MANY
@given(st.builds("+{}{}{}".format, calling_codes, trunk_prefixes, digits))
@example("+49123456789")
@example("+672512345")
def test_agrees_with_phonenumbers_on_international_numbers(text: str) -> None:
    assert number_by_adapter(text) == expected_number(text)


@st.composite
def numbers_with_separators(draw: st.DrawFn) -> str:
    number = draw(st.builds("+{}{}{}".format, calling_codes, trunk_prefixes, st.text("0123456789", max_size=10)))
    separators = draw(st.lists(st.text(" ()./-", max_size=2), min_size=len(number), max_size=len(number)))
    written = "".join(digit + separator for digit, separator in zip(number, separators, strict=True))
    assume(not re.search(r"\.\d{1,2}\W*\Z", written))  # looks like a decimal number
    return written


@MANY
@given(numbers_with_separators())
@example("+49 (0)30 123456")
@example("+(49) 30/12.34-56)")
def test_agrees_with_phonenumbers_on_numbers_with_separators(text: str) -> None:
    assert number_by_adapter(text) == expected_number(text)


@given(
    st.sampled_from(["+49 30 123456", "+12015550123", "(+44) 20 7946-0958"]),
    st.sampled_from([";ext=", " ext. ", " ext ", " extn ", "x", " X ", " extension ", " #", " \u0434\u043e\u0431. "]),
    st.text("0123456789", min_size=1, max_size=6),
)
def test_agrees_with_phonenumbers_on_extensions(number: str, mark: str, extension: str) -> None:
    by_library = phonenumbers.parse(f"{number}{mark}{extension}")

    assert NORMALIZER.phone(f"{number}{mark}{extension}").extension == by_library.extension == extension


@MANY
@given(
    st.text("+0123456789 ()-/.x#\u0661\uff11\u00b2", max_size=30) | st.text(max_size=30),
    st.sampled_from([None, "DE", "US", "IT", "AR", "BR", "MX", "CN", "RU", "SM"]),
)
def test_parses_its_own_output_as_the_same_number(text: str, region: str | None) -> None:
    normalizer = InternationalNormalizer(region)
    try:
        number = normalizer.phone(text)
    except ValidationFailed:
        return

    assert normalizer.phone(str(number)) == NORMALIZER.phone(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "+4930123456",
        "tel:+49-30-123456",
        "(+49) 030 123456",
        "+49 (0)30 / 12 34 56",
        "+49\u00a030\u2011123456",
        "\u202a+49 30 123456\u202c",
        "\uff0b\uff14\uff19 \uff13\uff10 \uff11\uff12\uff13\uff14\uff15\uff16",
        "+\u0664\u0669 \u0663\u0660 \u0661\u0662\u0663\u0664\u0665\u0666",
    ],
)
def test_parses_a_number_in_usual_notations(text: str) -> None:
    assert NORMALIZER.phone(text) == PhoneNumber("+4930123456")


@pytest.mark.parametrize("text", ["030 123456", "0049 30 123456", "+0049 30 123456", "30 123456", "+49 30 123456"])
def test_parses_a_number_of_the_default_region(text: str) -> None:
    assert InternationalNormalizer("DE").phone(text) == PhoneNumber("+4930123456")


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("+52 1 55 1234 5678", None, "+525512345678"),
        ("+52 (044) 55 1234 5678", None, "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("045 55 1234 5678", "MX", "+525512345678"),
        ("01 55 1234 5678", "MX", "+525512345678"),
        ("1 55 1234 5678", "MX", "+525512345678"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("+54 11 15 2345-6789", None, "+5491123456789"),
        ("+54 9 11 2345-6789", None, "+5491123456789"),
        ("+54 11 2345-6789", None, "+541123456789"),
        ("0 15 11 96123-4567", "BR", "+5511961234567"),
        ("+55 11 6123-4567", None, "+551161234567"),  # without the ninth digit: not changed
        ("06 1234 5678", "IT", "+390612345678"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("+225 07 12 34 56 78", None, "+2250712345678"),
        ("+241 06 12 34 56", None, "+24106123456"),
        ("8 (495) 123-45-67", "RU", "+74951234567"),
        ("+7 800 123-45-67", None, "+78001234567"),  # starts with a trunk prefix, but is assigned
        ("06 1 234 5678", "HU", "+3612345678"),
        ("0412 345 678", "AU", "+61412345678"),
        ("(0)20 7946 0958", "GB", "+442079460958"),
        ("01 23 45 67 89", "FR", "+33123456789"),
    ],
)
def test_parses_a_number_with_the_trunk_prefix_of_its_country(text: str, region: str | None, e164: str) -> None:
    assert InternationalNormalizer(region).phone(text) == PhoneNumber(e164)
    assert NORMALIZER.phone(e164) == PhoneNumber(e164)


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("012345678", "FR"),
        ("+33 012345678", None),
        ("079474381", "CH"),
        ("8495123456", "RU"),
        ("+7 8495123456", None),
        ("061234567", "HU"),
        ("555-2671", "US"),
        ("+1 555-2671", None),
        ("+52 1 55 1234 567", None),
        ("044 55 1234 567", "MX"),
        ("+225 07 12 34 56", None),
    ],
)
def test_refuses_a_number_that_lacks_a_digit_after_its_trunk_prefix(text: str, region: str | None) -> None:
    with pytest.raises(ValidationFailed, match="digits"):
        InternationalNormalizer(region).phone(text)


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("4930901820.0", "+4930901820"),
        ("+4930901820.0", "+4930901820"),
        ("4930901820,00", "+4930901820"),
        ("'4930901820.0", "+4930901820"),
        ("030901820.0", "+4930901820"),
        ("4930901820.000", "+4930901820"),
        ("+49 30 901820.0", "+4930901820"),
        ("+49 30 901820,00", "+4930901820"),
        ("49-30-901820.0", "+4930901820"),
        ("+49 (30) 901820.0", "+4930901820"),
        ("030/901820.0", "+4930901820"),
        ("49 30 901820.0", "+4930901820"),
        ("030 901820.0", "+4930901820"),
        ("+49.30.901820.0", "+4930901820"),
        ("+49.30.901820.00", "+4930901820"),
        ("p:+4930901820", "+4930901820"),
        ("p:4930901820.0", "+4930901820"),
        ("Tel.: 030 901820", "+4930901820"),
        ("TEL:+49-30-901820", "+4930901820"),
        ("whatsapp:+4930901820", "+4930901820"),
        ('="+4930901820"', "+4930901820"),
        ('="030 901820"', "+4930901820"),
        ("=+4930901820", "+4930901820"),
        ("'+49 30 901820", "+4930901820"),
        ("\u2019+49 30 901820", "+4930901820"),
        ('"030 901820"', "+4930901820"),
        ("\ufeff+49\u202f30\u00a0901820\u200b", "+4930901820"),
        ("030 901820;", "+4930901820"),
        ("+49 33701/123456", "+4933701123456"),
        ("030/901820-57", "+493090182057"),
    ],
)
def test_removes_the_additions_of_a_spreadsheet(text: str, e164: str) -> None:
    assert InternationalNormalizer("DE").phone(text) == PhoneNumber(e164)


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("030.90.18.20", "DE", "+4930901820"),
        ("01.23.45.67.89", "FR", "+33123456789"),
        ("01.23.45.67.00", "FR", "+33123456700"),
        ("+33 (0)1.23.45.67.00", None, "+33123456700"),
        ("08.123.456.00", "SE", "+46812345600"),
        ("202.555.0100", "US", "+12025550100"),
    ],
)
def test_keeps_groups_of_digits_separated_by_dots(text: str, region: str | None, e164: str) -> None:
    assert InternationalNormalizer(region).phone(text) == PhoneNumber(e164)


def test_removes_decimal_zeros_before_an_extension() -> None:
    assert NORMALIZER.phone("+49 30 901820.0 ext.12") == PhoneNumber("+4930901820", "12")


@pytest.mark.parametrize(
    "text", ["30901820.5", "30901820,5", "+49 30 901820.5", "030/901820.25", "+49.30 901820.5", "030 901820.5 ext. 1"]
)
def test_refuses_a_decimal_number(text: str) -> None:
    with pytest.raises(ValidationFailed, match="A spreadsheet turned this number into a decimal"):
        InternationalNormalizer("DE").phone(text)


@pytest.mark.parametrize("region", [None, "DE"])
@pytest.mark.parametrize("text", ["4.930901820E+10", "4,930901820e+10", "4.93E10", "'4.93E+10", "1E+10"])
def test_refuses_scientific_notation(text: str, region: str | None) -> None:
    with pytest.raises(ValidationFailed, match="A spreadsheet turned this number into scientific notation"):
        InternationalNormalizer(region).phone(text)


@pytest.mark.parametrize(
    "text",
    [
        "+49 30 123456 / +49 30 654321",
        "030 123456 / 030 654321",
        "030 123456/654321",
        "030 123456, 0171 1234567",
        "030 123456; 0171 1234567",
        "030 123456\n030 654321",
        "030 123456 or 0171 1234567",
        "030 123456 ::: 0171 1234567",
        "+49 30 123456 +49 30 654321",
    ],
)
def test_refuses_several_numbers(text: str) -> None:
    with pytest.raises(ValidationFailed, match="Enter one phone number"):
        InternationalNormalizer("DE").phone(text)


@MANY
@given(
    st.from_regex(r"(p:|'|=\")?(\+|00?)?[1-9][0-9 /.-]{5,16}([.,]0{1,2})?\"?", fullmatch=True),
    st.sampled_from([None, "DE", "FR", "MX", "US", "AR", "IT"]),
)
@example("4930901820.0", "DE")
def test_adds_no_digits_to_a_national_number(text: str, region: str | None) -> None:
    try:
        number = phonenumbers.parse(InternationalNormalizer(region).phone(text).e164)
    except ValidationFailed:
        return
    national = phonenumbers.national_significant_number(number)
    added = 1 if number.country_code == 54 and national.startswith("9") else 0  # Argentina: a 15 becomes a leading 9
    is_group = re.search(r"\.\d{1,4}\.00\"?\Z", text)
    typed = sum(map(str.isdigit, text if is_group else re.sub(r"[.,]00?\"?\Z", "", text)))
    assert len(national) <= typed + added


@given(
    st.from_regex(r"(\+|00?)?[1-9][0-9 ()/-]{5,16}", fullmatch=True),
    st.sampled_from([".0", ",0", ".00", ",00"]),
    st.sampled_from([None, "DE", "FR", "MX", "US", "AR", "IT"]),
)
@example("+49 (30) 901820", ".0", None)
def test_decimal_zeros_do_not_change_a_number(text: str, zeros: str, region: str | None) -> None:
    def read(text: str) -> PhoneNumber | None:
        try:
            return InternationalNormalizer(region).phone(text)
        except ValidationFailed:
            return None

    assert read(text + zeros) == read(text)


def test_accepts_an_unassigned_number() -> None:
    assert not phonenumbers.is_valid_number(phonenumbers.parse("+49123456789"))
    assert NORMALIZER.phone("+49123456789") == PhoneNumber("+49123456789")


@pytest.mark.parametrize("region", [None, "DE"])
@pytest.mark.parametrize("text", ["+999 123456789", "+1 555", "+49 0030 123456", "*100#", "0900 CALL ME", "112 or 911"])
def test_refuses_a_number_that_cannot_be_called_from_abroad(text: str, region: str | None) -> None:
    with pytest.raises(ValidationFailed):
        InternationalNormalizer(region).phone(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (
            "030 123456",
            (
                'Begin with + and the country calling code, as in "+49 30 123456". '
                "Numbers without one need the setting `default_region`."
            ),
        ),
        ("+49", 'This is not a phone number. Write it like "+49 30 123456".'),
        ("+1 555", "This number has too few or too many digits for its country. Check it for typing errors."),
        (
            "+49 0030 123456",
            (
                "This number has too few digits after its national prefix, such as 0, or has the prefix twice. "
                "Check it for typing errors."
            ),
        ),
        ("1" * 51, "Must have at most 50 characters, but has 51."),
        ("+1 800 FLOWERS", 'Write the number in digits, such as "+49 30 123456" or "+49 30 123456 ext. 12".'),
    ],
)
def test_the_error_of_a_number_says_what_to_do(text: str, advice: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        NORMALIZER.phone(text)
    assert caught.value.errors[0].detail == advice


@pytest.mark.parametrize("region", ["UK", "de", "DEU", "ZZ", "001", ""])
def test_refuses_a_default_region_that_does_not_exist(region: str) -> None:
    with pytest.raises(ValueError, match=f"There is no phone region '{region}'"):
        InternationalNormalizer(region)
