import pytest

from leads_adapters.files.columns import meaning, told_by
from leads_adapters.files.members import MEMBERS
from leads_adapters.lead_files import FileRefused


@pytest.mark.parametrize(
    ("column", "member"),
    [
        ("name", "name"),
        ("Full Name", "name"),
        ("Contact Name", "name"),
        ("EMAIL", "email"),
        ("E-Mail", "email"),
        ("e_mail", "email"),
        ("Email Address", "email"),
        ("Mail", "email"),
        ("Phone Number", "phone"),
        ("Telephone", "phone"),
        ("Mobile", "phone"),
        ("Tel", "phone"),
        ("Te\u0301le\u0301phone", "phone"),
        ("Lead Source", "source"),
        ("lead-source", "source"),
        ("Owner", "owner"),
        ("Lead\u00a0Owner", "owner"),
        ("attributes", "attributes"),
    ],
)
def test_a_column_is_known_by_its_usual_spellings(column: str, member: str) -> None:
    assert meaning(column) == member


@pytest.mark.parametrize("column", ["", "Company", "status", "Attributes", "id", "name 2"])
def test_any_other_name_has_no_meaning_of_its_own(column: str) -> None:
    assert meaning(column) is None


def test_other_columns_are_attributes_named_as_they_stand() -> None:
    columns = told_by(["E-Mail", " Company Size ", "Status"])
    assert columns.members == (("email", 0),)
    assert columns.attributes == (("Company Size", 1), ("Status", 2))


def test_nameless_columns_at_the_right_do_not_count() -> None:
    assert told_by(["email", "", "name", "", " "]).header == ("email", "", "name")


def test_what_the_service_assigns_is_passed_over_in_an_export_only() -> None:
    exported = told_by(MEMBERS)
    assert (exported.attributes, exported.defused) == ((), True)
    foreign = told_by(["email", "status", "version"])
    assert foreign.attributes == (("status", 1), ("version", 2))
    assert not foreign.defused


def test_an_export_is_known_in_any_order_of_its_columns() -> None:
    assert told_by(list(reversed(MEMBERS))).attributes == ()


def test_a_file_of_refused_rows_is_known_by_its_first_two_columns() -> None:
    columns = told_by(["line", "reason", "E-Mail", "'=Name"])
    assert (columns.header, columns.skipped, columns.defused) == (("E-Mail", "=Name"), 2, True)


def test_line_and_reason_elsewhere_are_attributes() -> None:
    assert told_by(["email", "line", "reason"]).attributes == (("line", 1), ("reason", 2))


def test_no_column_of_email_addresses_is_refused_and_the_columns_are_told() -> None:
    with pytest.raises(FileRefused) as refused:
        told_by(["Ann", "ann@example.com"])
    assert str(refused.value) == (
        'No column is called "email". The first row must name the columns; it reads: "Ann", "ann@example.com".'
    )


@pytest.mark.parametrize("name", ["email", "Notes"])
def test_two_columns_of_one_name_are_refused(name: str) -> None:
    with pytest.raises(FileRefused) as refused:
        told_by(["email", "Notes", name])
    assert str(refused.value) == f'Two columns are called "{name}"; rename or remove one of them.'


def test_the_first_of_several_columns_for_a_member_counts_and_the_others_are_attributes() -> None:
    columns = told_by(["email", "Phone", "Mobile"])
    assert columns.members == (("email", 0), ("phone", 1))
    assert columns.attributes == (("Mobile", 2),)
