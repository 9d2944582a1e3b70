"""Test how CSV lines become records."""

import csv
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.files.csv_records import UNBALANCED, records
from leads_adapters.files.lines import LINE_MAX, TOO_LONG, text_lines
from unit.adapters.files.special_texts import texts


def read(content: str, delimiter: str = ",") -> list[tuple[int, list[str], str | None]]:
    return list(records(text_lines(io.BytesIO(content.encode())), delimiter, 1))


def test_quoted_cells_can_contain_delimiters_quotation_marks_and_line_ends() -> None:
    content = 'a,"b,""c"" d"\r\n"1\n2","3\r\n4","5\r6"\r\nend,\r\n'
    assert read(content) == [
        (1, ["a", 'b,"c" d'], None),
        (2, ["1\n2", "3\r\n4", "5\r6"], None),
        (6, ["end", ""], None),
    ]


def test_quotation_marks_within_an_unquoted_cell_are_text() -> None:
    assert read('12" pipe,Bob "the boss" Smith\n') == [(1, ['12" pipe', 'Bob "the boss" Smith'], None)]


def test_a_space_before_an_opening_quotation_mark_is_ignored() -> None:
    assert read('a, "b, c"\n') == [(1, ["a", "b, c"], None)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("blanks", [" ", "   "])
def test_blanks_after_a_closing_quotation_mark_are_ignored(delimiter: str, blanks: str) -> None:
    cells = ['"a"', blanks + f'"b ""c""{delimiter}"" "', 'd"', '""']
    content = delimiter.join(cell + blanks for cell in cells)
    assert read(content + "\r\nend", delimiter) == [
        (1, ["a", f'b "c"{delimiter}" ', f'd"{blanks}', ""], None),
        (2, ["end"], None),
    ]


def test_blanks_are_ignored_after_a_cell_of_several_lines_and_kept_within_it() -> None:
    content = '"a""  ,\nb""  ,"  ,"c\n "" ,d"  \n"x  ,\n""  "\t,y\n'
    assert read(content) == [
        (1, ['a"  ,\nb"  ,', 'c\n " ,d'], None),
        (4, ['x  ,\n"  ', "y"], None),
    ]


def test_an_empty_line_is_a_record_without_cells() -> None:
    assert read("a\n\nb\n") == [(1, ["a"], None), (2, [], None), (3, ["b"], None)]


def test_an_unclosed_quotation_mark_refuses_only_its_own_line() -> None:
    content = 'Ann,ann@x.org\n"Bob,bob@x.org\nCid,cid@x.org\nDan,"Dan, Inc"\nEve,eve@x.org\n'
    assert read(content) == [
        (1, ["Ann", "ann@x.org"], None),
        (2, ["Bob,bob@x.org"], UNBALANCED),
        (3, ["Cid", "cid@x.org"], None),
        (4, ["Dan", "Dan, Inc"], None),
        (5, ["Eve", "eve@x.org"], None),
    ]


def test_a_record_after_an_unclosed_quotation_mark_is_read_completely() -> None:
    assert read('"Ann,ann@x.org\nBob,"Bob\nInc"\n') == [
        (1, ["Ann,ann@x.org"], UNBALANCED),
        (2, ["Bob", "Bob\nInc"], None),
    ]


def test_an_unclosed_quotation_mark_in_the_last_line_refuses_only_that_line() -> None:
    assert read('"Ann,ann@x.org\nBob,"b"\n"Cid') == [
        (1, ["Ann,ann@x.org"], UNBALANCED),
        (2, ["Bob", "b"], None),
        (3, ["Cid"], UNBALANCED),
    ]


def test_text_after_a_closing_quotation_mark_is_an_error() -> None:
    assert read('"Bob" Smith,bob@x.org\nCid,\n') == [
        (1, ["Bob Smith", "bob@x.org"], UNBALANCED),
        (2, ["Cid", ""], None),
    ]


def test_a_line_that_is_too_long_is_an_error() -> None:
    long, after = read(f"a,{'x' * LINE_MAX}\nb,c\n")
    assert long[2] == TOO_LONG
    assert len("".join(long[1])) <= 1000
    assert after == (2, ["b", "c"], None)


def test_a_record_of_many_lines_has_a_maximum_length() -> None:
    line = "x" * 1000 + "\n"
    found = read('"' + line * 2000)
    assert [error for _, _, error in found if error] == [UNBALANCED]
    assert len(found) == 2000


@pytest.mark.parametrize(
    "line", ['z","\n', '"\n', '"""\n', '"x""\n', 'a,"b"c\n', 'z","\n' * 50 + '"x"y\n', ',"" ' * 90_000 + "\n"]
)
def test_no_pattern_of_quotation_marks_takes_more_than_linear_time(line: str) -> None:
    lines = line * (400_000 // len(line))
    started = time.process_time()
    assert read(lines)
    assert time.process_time() - started < 10, "linear work takes a fraction of a second"


@given(st.lists(st.lists(texts().map(str.strip), min_size=2, max_size=4), max_size=6), st.sampled_from(",;\t"))
def test_the_output_of_the_csv_module_is_read_unchanged(rows: list[list[str]], delimiter: str) -> None:
    output = io.StringIO()
    csv.writer(output, delimiter=delimiter).writerows([["header"], *rows])
    _, *found = read(output.getvalue(), delimiter)
    assert [(cells, error) for _, cells, error in found] == [(row, None) for row in rows]


_BLANKS = st.sampled_from(["", " ", "  ", "\t "])


@given(st.lists(st.lists(st.tuples(texts(), _BLANKS), min_size=1, max_size=4), max_size=5), st.sampled_from(",;\t"))
def test_blanks_around_quoted_cells_do_not_change_cells(rows: list[list[tuple[str, str]]], delimiter: str) -> None:
    quoted = [[(cell.replace('"', '""'), blanks) for cell, blanks in row] for row in rows]
    content = "".join(
        delimiter.join(f'"{cell}"{blanks.replace(delimiter, " ")}' for cell, blanks in row) + "\n" for row in quoted
    )
    expected = [([cell for cell, _ in row], None) for row in rows]
    assert [(cells, error) for _, cells, error in read(content, delimiter)] == expected


@given(st.text(alphabet='",\n\ra \t\0', max_size=40))
def test_any_text_is_read_and_records_have_ascending_line_numbers(content: str) -> None:
    lines = list(text_lines(io.BytesIO(content.encode())))
    starts = [line for line, _, _ in read(content)]
    assert starts == sorted(set(starts))
    assert all(1 <= start <= len(lines) for start in starts)
    assert not lines or starts[0] == 1
