"""Test that no file makes the reader work more than in proportion to its size, and that refusals stay readable."""

import csv
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.files.column_names import COLUMNS_MAX, LISTED_MAX
from leads_adapters.files.csv_rows import read_csv
from leads_adapters.files.lead_fields import ROW_ERRORS_MAX
from leads_adapters.files.ndjson_rows import read_ndjson
from leads_adapters.lead_files import FileRefused, ReadOptions, Row
from leads_domain import field_names
from leads_domain.errors import ValidationFailed

PARTS = ["name,email", "a@x.org", "+49 30", "p:", " ::: ", "aB1", "a", "\u0327\u0301", "\0", "'", "=", "{", "[", "1"]
PARTS += [",", ";", "|", "\t", '"', '""', " ", "\n", "\r", "\r\n", "sep=;"]
REPEATS = 1_000
GROWTH = 4
WORK_OF_THE_HEAD = 1_000_000
"""An upper bound for the function calls that find the header, whatever is in the file: a tenth of a second."""


def read(content: str, options: ReadOptions = ReadOptions()) -> list[Row]:  # noqa: B008 - immutable
    return list(read_csv(io.BytesIO(content.encode()), options).rows)


@contextmanager
def counted_calls() -> Iterator[Callable[[], int]]:
    """Count the calls of functions, of Python and of C."""
    count = 0

    def increment(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(increment)
    try:
        yield lambda: count
    finally:
        sys.setprofile(before)


def work(content: str) -> int:
    """Return the number of calls that reading a file takes."""
    with counted_calls() as calls, suppress(FileRefused):
        read(content)
    return calls()


@given(
    st.sampled_from(["", "name,email\n", 'name,email\nA,"', "name,email,"]),
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join),
)
def test_a_file_of_four_times_the_size_takes_no_more_than_four_times_the_work(start: str, part: str) -> None:
    small, large = (work(start + part * repeats) for repeats in (REPEATS, GROWTH * REPEATS))
    assert large <= GROWTH * small * 1.1 + WORK_OF_THE_HEAD


@pytest.mark.parametrize(
    "content",
    [
        "name,email,a" + "\u0327\u0301" * 200_000 + "\nAnn,a@x.org\n",
        "a" + "\u0327\u0301" * 200_000 + "\nname,email\nAnn,a@x.org\n",
        "name,email\nAnn,a" + "\u0327\u0301" * 200_000 + "\n",
    ],
    ids=["header", "line before the header", "row"],
)
def test_long_texts_are_not_folded(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folding a megabyte of combining marks takes minutes, and nothing can interrupt it."""
    longest = 0

    def normalize(_: str, text: str) -> str:
        nonlocal longest
        longest = max(longest, len(text))
        return text

    monkeypatch.setattr(field_names, "normalize", normalize)
    assert read(content)
    assert longest <= field_names.NAME_LENGTH_MAX


@pytest.mark.parametrize("start", ["", "x,\n"])
def test_a_header_with_an_unpaired_quotation_mark_is_searched_within_bounds(start: str) -> None:
    csv.field_size_limit(131_072)  # the default of a new process
    line = ",a;b" * 5_000 + "\n"
    with counted_calls() as calls, pytest.raises(FileRefused):
        read(f'{start}x,"{line * 60}')
    assert calls() < WORK_OF_THE_HEAD


def test_an_empty_line_takes_little_work() -> None:
    assert work("name,email\n" + "\n" * 10_000) < 10_000 * 20


def test_a_file_can_have_500_columns_besides_those_of_refused_rows_and_empty_ones() -> None:
    names = ["name", "email", *(f"c{number}" for number in range(COLUMNS_MAX - 2))]
    empty = "," * 10_000
    [row] = read(f"line,reason,{','.join(names)}{empty}\n2,because,Ann,a@x.org,{'x,' * 300}{empty}\n")
    assert not isinstance(row.given, ValidationFailed)
    assert row.warnings == 1
    with pytest.raises(FileRefused, match=r"^The first row has 501 columns\. Delete some: a file can have 500\.$"):
        read(f"{','.join(names)},one\nAnn,a@x.org\n")


def test_too_many_columns_are_reported_also_below_other_lines() -> None:
    with pytest.raises(FileRefused, match="40,002 columns"):
        read("A report\n\nname;email" + ";x" * 40_000 + "\n")


def test_many_mapped_columns_are_found_in_one_pass() -> None:
    names = [f"Column {number}" for number in range(COLUMNS_MAX - 2)]
    options = ReadOptions({name.upper(): None for name in names})
    with counted_calls() as calls:
        read(f"name,email,{','.join(names)}\nAnn,a@x.org\n", options)
    assert calls() < WORK_OF_THE_HEAD


@pytest.mark.parametrize("column_map", [{}, {"\x1b[2J\u202e" + "y" * 10_000: None}])
def test_hostile_names_are_escaped_and_shortened_in_a_refusal(column_map: dict[str, None]) -> None:
    cells = ["\x1b]52;c;aGk=\x07", "\u202eabc", "x" * 100_000, *map(str, range(100))]
    with pytest.raises(FileRefused) as caught:
        read(",".join(f'"{cell}"' for cell in cells) + "\n", ReadOptions(column_map))
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < (LISTED_MAX + 2) * 100
    assert r'"\u001b]52;c;aGk=\u0007", "\u202eabc", "' + "x" * 60 + '...", "0"' in message


@pytest.mark.parametrize(
    "line",
    [
        "{" + ",".join(f'"{number}":0' for number in range(50_000)) + "}",
        '{"name":"A","attributes":{' + ",".join(f'"{number}":[]' for number in range(50_000)) + "}}",
    ],
    ids=["fields", "attributes"],
)
def test_a_line_with_many_errors_lists_the_first(line: str) -> None:
    [row] = read_ndjson(io.BytesIO(line.encode())).rows
    assert isinstance(row.given, ValidationFailed)
    assert len(row.given.errors) == ROW_ERRORS_MAX


def test_a_column_of_json_with_many_errors_lists_the_first() -> None:
    json = "{" + ",".join(f'""{number}"":[]' for number in range(50_000)) + "}"
    [row] = read(f'name,email,attributes\nAnn,a@x.org,"{json}"\n')
    assert isinstance(row.given, ValidationFailed)
    assert len(row.given.errors) == ROW_ERRORS_MAX
