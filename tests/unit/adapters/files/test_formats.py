"""Test the format of a file by its name."""

import pytest

from leads_adapters.files.formats import Format, format_of
from leads_adapters.lead_files import FileRefused


@pytest.mark.parametrize("name", ["leads.csv", "LEADS.CSV", "a/b.c/leads.tsv", "leads.2026.txt"])
def test_names_of_tables_are_csv(name: str) -> None:
    assert format_of(name) is Format.CSV


@pytest.mark.parametrize("name", ["leads.ndjson", "leads.jsonl", "Leads.JSONL"])
def test_names_of_json_lines_are_ndjson(name: str) -> None:
    assert format_of(name) is Format.NDJSON


@pytest.mark.parametrize("name", ["leads.xlsx", "leads", "leads.csv.gz", ".csv", "", "leads.json"])
def test_any_other_suffix_is_refused_with_the_allowed_ones(name: str) -> None:
    with pytest.raises(FileRefused) as caught:
        format_of(name)
    assert str(caught.value) == (
        f"The file name {name!r} has an unknown suffix. Use one of .csv, .tsv, .txt, .ndjson, .jsonl."
    )
