"""Test the recognition of columns in a file of leads."""

import pytest

from leads_adapters.files.columns import Columns, columns_of, field_of
from leads_adapters.files.lead_fields import FIELDS
from leads_adapters.lead_files import FileRefused
from leads_domain.details import ATTRIBUTE_NAME_MAX


def members(columns: Columns) -> dict[str, str | None]:
    return dict(columns.meanings())


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
    assert columns.fields == (("name", 2),)
    assert columns.contacts == (("email", (0,)),)
    assert members(columns) == {"E-Mail": "email", "Company Size": "attributes", "Full Name": "name"}


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
    assert members(columns)["Stage"] == "attributes"


def test_the_columns_of_an_export_are_recognised_in_any_order_and_case() -> None:
    columns = columns_of([name.upper() for name in reversed(FIELDS)])
    assert members(columns) == {name.upper(): name for name in FIELDS}
    assert columns.json_column is not None


def test_a_file_of_refused_rows_is_recognised_by_its_first_two_columns() -> None:
    columns = columns_of(["Line", "reason", "E-Mail", "name", "'=Size"])
    assert (columns.header, columns.skipped) == (("E-Mail", "name", "=Size"), 2)


def test_columns_line_and_reason_at_another_index_are_attributes() -> None:
    columns = columns_of(["email", "line", "reason", "name"])
    assert members(columns) == {"email": "email", "line": "attributes", "reason": "attributes", "name": "name"}


def test_a_header_without_email_and_phone_is_refused_and_quoted() -> None:
    with pytest.raises(FileRefused) as caught:
        columns_of(["Ann", "ann@example.com"])
    assert str(caught.value) == (
        'There is no column "email" or "phone". The first row must name the columns. '
        'It reads: "Ann", "ann@example.com".'
    )


def test_a_second_column_of_the_same_name_gets_a_number() -> None:
    names = ["email", "Notes", "email", "Notes", "Notes 2", "Notes", "name", "", ""]
    numbered = ("email", "Notes", "email 2", "Notes 3", "Notes 2", "Notes 4", "name", "", "", "x")
    assert columns_of([*names, "x"]).header == numbered


def test_the_first_of_several_columns_for_a_field_is_used_and_others_are_attributes() -> None:
    columns = columns_of(["email", "Quelle", "Lead Source", "name"])
    assert dict(columns.fields) == {"source": 1, "name": 3}
    assert members(columns)["Lead Source"] == "attributes"


def test_a_column_with_the_exact_name_of_a_field_wins_over_other_spellings() -> None:
    columns = columns_of(["Mobile", "Full Name", "email", "PHONE", "name"])
    assert dict(columns.fields) == {"name": 4}
    assert dict(columns.contacts) == {"email": (2,), "phone": (3, 0)}
    assert members(columns)["Full Name"] == "attributes"


def test_columns_that_people_add_to_an_export_are_attributes() -> None:
    columns = columns_of([*FIELDS, "E-Mail Address", "Mobile", "First Name"])
    assert [members(columns)[name] for name in ("E-Mail Address", "Mobile", "First Name")] == ["attributes"] * 3
    assert dict(columns.contacts) == {"email": (FIELDS.index("email"),), "phone": (FIELDS.index("phone"),)}


def test_an_id_of_another_program_is_an_attribute() -> None:
    assert members(columns_of(["id", "email", "name", "status"])) == {
        "id": "attributes",
        "email": "email",
        "name": "name",
        "status": "status",
    }


def test_a_map_of_columns_wins_over_their_names() -> None:
    column_map = {"Company Phone": "phone", "e mail": None, "Contact mail": "email", "Alias": "name"}
    columns = columns_of(["Phone", "Company Phone", "E-Mail", "Contact mail", "Name", "Alias"], column_map)
    assert dict(columns.contacts) == {"email": (3,), "phone": (1, 0)}
    assert members(columns) == {
        "Phone": "phone",
        "Company Phone": "phone",
        "E-Mail": None,
        "Contact mail": "email",
        "Name": "attributes",
        "Alias": "name",
    }


def test_a_map_with_an_unknown_column_is_refused() -> None:
    with pytest.raises(FileRefused, match=r'^There is no column "Mobil" to map\. The first row reads: "name", "email"'):
        columns_of(["name", "email"], {"Mobil": "phone"})


def test_a_long_column_name_is_cut_for_the_attribute_and_stays_distinct() -> None:
    question = "How many people work in your company, and how many of them will use the product? "
    columns = columns_of(["email", "name", question + "a", question + "b"])
    names = [name for name, index in columns.attributes if index > 1]
    assert len(set(names)) == 2
    assert all(len(name) <= ATTRIBUTE_NAME_MAX and question.startswith(name[:50]) for name in names)


def test_a_file_with_too_many_columns_is_refused() -> None:
    with pytest.raises(FileRefused, match="16,385 columns"):
        columns_of(["email", "name", *["x"] * 16_383])
