"""Test the recognition of columns in a file of leads."""

import pytest

from leads_adapters.files.columns import columns_of, field_of
from leads_adapters.files.lead_fields import FIELDS
from leads_adapters.lead_files import FileRefused


@pytest.mark.parametrize(
    ("column", "field"),
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
def test_a_column_is_recognised_by_its_usual_names(column: str, field: str) -> None:
    assert field_of(column) == field


@pytest.mark.parametrize("column", ["", "Company", "Created On", "State", "identity", "name 2"])
def test_any_other_name_is_not_a_field(column: str) -> None:
    assert field_of(column) is None


def test_other_columns_are_attributes_with_the_name_of_the_column() -> None:
    columns = columns_of(["E-Mail", " Company Size ", "Full Name"])
    assert columns.fields == (("email", 0), ("name", 2))
    assert columns.attributes == (("Company Size", 1),)


def test_columns_without_a_name_at_the_right_are_ignored() -> None:
    assert columns_of(["email", "", "name", "", " "]).header == ("email", "", "name")


@pytest.mark.parametrize("column", ["status_reason", "CONTACTED_AT", "next_follow_up_at"])
def test_a_column_that_only_an_export_has_marks_an_export(column: str) -> None:
    assert columns_of(["name", "email", column]).is_export
    assert not columns_of(["name", "email", "id", "status", "created_at", "version"]).is_export


def test_two_columns_of_an_export_in_other_spellings_mark_an_export() -> None:
    assert columns_of(["Name", "Email", "Status Reason", "Version"]).is_export
    assert not columns_of(["Full Name", "Email", "Status", "Status Reason", "Created On"]).is_export


def test_the_first_of_two_status_columns_is_used() -> None:
    columns = columns_of(["name", "email", "Lead Status", "Stage"])
    assert columns.assigned == (("status", 2),)
    assert columns.attributes == (("Stage", 3),)


def test_the_columns_of_an_export_are_recognised_in_any_order_and_case() -> None:
    columns = columns_of([name.upper() for name in reversed(FIELDS)])
    assert columns.attributes == ()
    assert columns.json_column is not None


def test_a_file_of_refused_rows_is_recognised_by_its_first_two_columns() -> None:
    columns = columns_of(["Line", "reason", "E-Mail", "name", "'=Size"])
    assert (columns.header, columns.skipped) == (("E-Mail", "name", "=Size"), 2)


def test_columns_line_and_reason_at_another_index_are_attributes() -> None:
    assert columns_of(["email", "line", "reason", "name"]).attributes == (("line", 1), ("reason", 2))


def test_a_header_without_email_and_phone_is_refused_and_quoted() -> None:
    with pytest.raises(FileRefused) as caught:
        columns_of(["Ann", "ann@example.com"])
    assert str(caught.value) == (
        'There is no column "email" or "phone". The first row must name the columns. '
        'It reads: "Ann", "ann@example.com".'
    )


@pytest.mark.parametrize("name", ["email", "Notes"])
def test_two_columns_with_the_same_name_are_refused(name: str) -> None:
    with pytest.raises(FileRefused) as caught:
        columns_of(["email", "Notes", name])
    assert str(caught.value) == f'Two columns have the name "{name}". Rename or remove one of them.'


def test_the_first_of_several_columns_for_a_field_is_used_and_others_are_attributes() -> None:
    columns = columns_of(["email", "Telefon", "Mobile", "name"])
    assert dict(columns.fields) == {"email": 0, "phone": 1, "name": 3}
    assert columns.attributes == (("Mobile", 2),)


def test_a_column_with_the_exact_name_of_a_field_wins_over_other_spellings() -> None:
    columns = columns_of(["Mobile", "Full Name", "email", "PHONE", "name"])
    assert dict(columns.fields) == {"email": 2, "phone": 3, "name": 4}
    assert columns.attributes == (("Mobile", 0), ("Full Name", 1))
