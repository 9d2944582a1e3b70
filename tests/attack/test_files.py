"""Attack the service and the commands with files."""

import csv
import io
import re
import signal
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from attack.target import Target
from e2e.service import Service, Site, eventually

HEADER_MAX = 810 * 1024
ROW = 256 * 1024
PIECES = [
    "a,",
    ",",
    '"',
    '"",',
    "name,email,",
    "e-mail;",
    "\t",
    "é,",
    "'|",
    "a b ",
    ";,\t|",
    "sep=",
    "\r",
    "first name,",
    "a\u0327\u0301\u0327\u0301",
]
"""Headers repeat one of these. Each was chosen to make another step of reading a file work hard."""

HELD_MS = 150
CSV = {"content-type": "text/csv"}
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FORMULA = re.compile(r"""^["\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]""")
BOMB = Path(__file__).parents[1] / "data/spreadsheets/leads.xlsx"


def headers() -> Iterator[bytes]:
    """Yield hostile headers: of many columns, and of one size."""
    yield ",".join(f"column {number}" for number in range(40_000)).encode()
    yield ",".join(f"{number}" for number in range(120_000)).encode()
    yield from ((piece * (HEADER_MAX // len(piece))).encode() for piece in PIECES)


def send(target: Target, content: bytes, query: str = "", timeout: float = 60, **headers: str) -> httpx.Response:
    """Import a file over HTTP."""
    client, sent = target.service.client, {**CSV, **headers}
    return client.post(f"/leads/import{query}", content=content, headers=sent, timeout=timeout)


def test_a_hostile_csv_header_costs_little(target: Target) -> None:
    files = [b"name,email,%s\nAda,ada@example.com\n" % header for header in headers()]
    with target.under_attack() as cost:
        for content in files:
            response = send(target, content)
            assert response.status_code in {200, 422}
            assert len(response.content) < 2 * len(content)  # it names the columns
    target.check("processor ms of a header", cost.cpu_ms / len(files), at_most=300)
    target.check_others(cost, held_ms=HELD_MS)


@pytest.mark.attack
def test_a_hostile_row_costs_little(target: Target) -> None:
    for piece in [*PIECES, "\r", "\n", '"\n', '""\r']:
        row = b'Ada,ada@example.com,"' + (piece * (ROW // len(piece))).encode()
        with target.under_attack() as cost:
            assert send(target, b"name,email,note\n" + row).status_code in {200, 422}
        target.check("processor ms", cost.cpu_ms, at_most=1500)
        target.check_others(cost, held_ms=HELD_MS)


@pytest.mark.attack
@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_a_spreadsheet_that_grows_when_it_is_unpacked_harms_nobody(target: Target) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(BOMB) as source, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as grown:
        for name in source.namelist():
            part = source.read(name)
            if name.endswith("sheet1.xml"):
                part = part.replace(b"</sheetData>", b"<row><c><v>1</v></c></row>" * 10_000_000 + b"</sheetData>")
            grown.writestr(name, part)
    with target.under_attack() as cost:
        assert send(target, content.getvalue(), timeout=120).status_code in {200, 422}
    target.check("MB of memory", cost.memory_mb, at_most=150)
    target.check_others(cost, held_ms=HELD_MS)


@pytest.mark.attack
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_can_be_stopped_in_the_middle_of_a_hostile_file(site: Site, number: signal.Signals) -> None:
    for index, header in enumerate(headers()):
        (site.folder / "hostile.csv").write_bytes(b"name,email,%s\nAda,ada@example.com\n" % header)
        with site.running("import", "hostile.csv", "--dry-run") as command:
            time.sleep(0.3 + index / 20)
            command.process.send_signal(number)
            eventually(lambda running=command: running.process.poll() is not None, within=10)  # type: ignore[misc]


@pytest.mark.attack
def test_the_service_can_be_stopped_in_the_middle_of_a_hostile_file(site: Site) -> None:
    with site.serve() as service:
        for header in headers():
            with suppress(httpx.TransportError):
                send(Target(service), b"name,email,%s\nAda,ada@example.com\n" % header, timeout=0.1)
        service.process.send_signal(signal.SIGTERM)
        eventually(lambda: service.process.poll() is not None, within=15)


def test_the_refused_rows_overwrite_no_file_and_follow_no_link(site: Site) -> None:
    site.write("leads.csv", "name,email\nAda,nonsense\n")
    site.write("leads.refused.csv", "precious")
    site.write("secret", "precious")
    first = site.leads("import", "leads.csv").expect(1)
    assert (site.folder / "leads.refused.csv").read_text() == "precious"
    (site.folder / "leads.refused.csv").unlink()
    (site.folder / "leads.refused.csv").symlink_to("secret")
    site.leads("import", "leads.csv").expect(1)
    assert (site.folder / "secret").read_text() == "precious"
    written = re.findall(r"leads\S*refused\S*\.csv", first.out + first.err)
    assert written
    assert all((site.folder / name).exists() for name in written)


@pytest.mark.attack
def test_hostile_column_names_do_not_control_the_terminal(site: Site) -> None:
    hostile = "name\x1b]52;c;ZXZpbA==\x07,email,\x1b[2J\x9b2J\u202eevil\x07," + "x" * 100_000
    for header in (hostile, hostile.replace("email", "mail\x1b[31m adress"), "\x1b[2J" * 50):
        site.write("leads.csv", f'{header}\nAda,nonsense,"=1\x1b[2J"\n')
        for options in ((), ("--dry-run",), ("--map", "x\x1b[2J=name"), ("--sheet", "\x1b[2J")):
            done = site.leads("import", "leads.csv", *options)
            assert not RAW.search(done.out + done.err), done
            assert len(done.out + done.err) < 20_000


def test_no_cell_of_an_export_is_a_formula_with_any_separator(service: Service) -> None:
    starts = [
        "=1+1",
        "+1",
        "-1",
        "@a",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20a",
        "\u200b=1",
        " =1",
        "\ufeff=1",
        "x;=1;y",
        "x\t=1",
        "x|=1",
    ]
    starts += ['x;"=1"', "x,=1", "x\n=1", "x;\n=1"]
    for number, start in enumerate(starts):
        new = {"name": f"{start} Ada", "email": f"formula{number}@example.com", "attributes": {"a": start}}
        response = service.post("/leads", new)
        assert response.status in {201, 422}
    exported = service.client.get("/leads/export").text
    names = [row["name"] for row in csv.DictReader(io.StringIO(exported))]
    assert [name for name in names if FORMULA.match(name)] == []
    for separator in ";\t|":
        cells = [cell for row in csv.reader(io.StringIO(exported), delimiter=separator) for cell in row]
        assert [cell for cell in cells if FORMULA.match(cell)] == [], separator
