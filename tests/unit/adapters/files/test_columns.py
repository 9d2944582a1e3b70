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
        ("Status", "status"),
        ("Lead Status", "status"),
        ("attributes", "attributes"),
        ("Attributes", "attributes"),
        ("ID", "id"),
        ("Created_At", "created_at"),
        ("Created At", "created_at"),
        ("Status Reason", "status_reason"),
        ("Next Follow-Up At", "next_follow_up_at"),
        ("Stage", "status"),
        ("Deal Stage", "status"),
        ("lifecycle_stage", "status"),
    ],
)
def test_a_column_is_known_by_its_usual_spellings(column: str, member: str) -> None:
    assert meaning(column) == member


@pytest.mark.parametrize("column", ["", "Company", "Created On", "State", "identity", "name 2"])
def test_any_other_name_has_no_meaning_of_its_own(column: str) -> None:
    assert meaning(column) is None


def test_other_columns_are_attributes_named_as_they_stand() -> None:
    columns = told_by(["E-Mail", " Company Size ", "Full Name"])
    assert columns.members == (("email", 0), ("name", 2))
    assert columns.attributes == (("Company Size", 1),)


def test_nameless_columns_at_the_right_do_not_count() -> None:
    assert told_by(["email", "", "name", "", " "]).header == ("email", "", "name")


@pytest.mark.parametrize("only", ["status_reason", "CONTACTED_AT", "next_follow_up_at"])
def test_an_export_is_known_by_any_column_that_only_an_export_has(only: str) -> None:
    assert told_by(["name", "email", only]).own
    assert not told_by(["name", "email", "id", "status", "created_at", "version"]).own


def test_an_export_is_known_by_two_of_its_columns_in_other_spellings() -> None:
    assert told_by(["Name", "Email", "Status Reason", "Version"]).own
    assert not told_by(["Full Name", "Email", "Status", "Status Reason", "Created On"]).own


def test_of_two_columns_for_the_status_the_first_counts() -> None:
    columns = told_by(["name", "email", "Lead Status", "Stage"])
    assert columns.assigned == (("status", 2),)
    assert columns.attributes == (("Stage", 3),)


def test_an_export_has_no_attributes_of_their_own_column_in_any_order_and_case() -> None:
    columns = told_by([name.upper() for name in reversed(MEMBERS)])
    assert columns.attributes == ()
    assert columns.json is not None


def test_a_file_of_refused_rows_is_known_by_its_first_two_columns() -> None:
    columns = told_by(["Line", "reason", "E-Mail", "name", "'=Size"])
    assert (columns.header, columns.skipped) == (("E-Mail", "name", "=Size"), 2)


def test_line_and_reason_elsewhere_are_attributes() -> None:
    assert told_by(["email", "line", "reason", "name"]).attributes == (("line", 1), ("reason", 2))


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
    columns = told_by(["email", "Telefon", "Mobile", "name"])
    assert dict(columns.members) == {"email": 0, "phone": 1, "name": 3}
    assert columns.attributes == (("Mobile", 2),)


def test_a_column_that_has_the_name_of_a_member_goes_before_its_other_spellings() -> None:
    columns = told_by(["Mobile", "Full Name", "email", "PHONE", "name"])
    assert dict(columns.members) == {"email": 2, "phone": 3, "name": 4}
    assert columns.attributes == (("Mobile", 0), ("Full Name", 1))
