"""Attack the service with request heads."""

import pytest

from attack.target import Target

pytestmark = pytest.mark.parametrize("service", ["sqlite"], indirect=True)  # they do not reach the database

CPU_MS = 10
"""The most processor time of one request."""

HELD_MS = 60

LOG_LINE = 1000
"""The longest line of the log: no request may make it longer."""

LENGTHS = (30_000, 400_000)
"""Nearly as long as a request head may be, and far longer."""

FORWARDED = ["1.2.3.4,", "127.0.0.1,", ",", " ", "[", "[::1]:1,", "1" * 4000 + ",", "::ffff:7f00:1, "]
HEADERS = {
    "accept": "text/csv;q=0.1,",
    "authorization": "Bearer ",
    "content-type": "a/b;c=d;",
    "cookie": "a=b; ",
    "forwarded": "for=1.2.3.4;",
    "idempotency-key": "k",
    "if-match": '"',
    "if-none-match": '"1", ',
    "origin": "https://a.example/",
    "range": "bytes=0-1,",
    "x-api-key": "k",
    "x-request-id": "r",
}
PATHS = [
    "/" * 30_000,
    "/leads/" + "%41" * 10_000,
    "/leads?" + "a&" * 15_000,
    "/leads?q=" + "a%20" * 7_000,
    "/leads?cursor=" + "A" * 30_000,
    "/leads?status=" + "new&status=" * 2_500,
    "/forms/" + "a" * 30_000,
]
AMBIGUOUS = [
    b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    b"content-length: 5\r\ncontent-length: 6\r\n\r\nabcdef",
    b"content-length: +5\r\n\r\nabcde",
    b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"a : b\r\n\r\n",
    b"a: b\r\n folded: c\r\n\r\n",
    b"a: \x00\r\n\r\n",
]


def long(name: str, piece: str, length: int) -> str:
    """Return a header that repeats this piece up to a length."""
    return f"{name}: {piece * (length // len(piece))}"


def test_long_forwarded_addresses_cost_little(target: Target) -> None:
    fields = [[long("x-forwarded-for", piece, length)] for piece in FORWARDED for length in LENGTHS]
    fields.append(["x-forwarded-for: 127.0.0.1"] * 90)
    with target.under_attack() as cost:
        for each in fields:
            assert target.exchange(target.head("GET /leads", *each, key=False)).status in {0, 401, 431}
    target.check("processor ms", cost.cpu_ms, at_most=CPU_MS * len(fields))
    target.check_others(cost, held_ms=HELD_MS)


def test_a_made_up_method_reaches_neither_the_log_nor_the_metrics(target: Target) -> None:
    with target.under_attack() as cost:
        for length in (30, *LENGTHS):
            reply = target.exchange(target.head(f"EVIL{'X' * length} /leads"))
            assert reply.status in {0, 400, 405, 431, 501}
    target.check("longest line of the log", cost.log_line, at_most=LOG_LINE)
    assert "EVIL" not in target.service.err + target.service.get("/metrics").expect(200).text


def test_a_long_header_costs_little(target: Target) -> None:
    requests = [
        target.head(line, long(name, piece, length), "content-length: 0")
        for line in ("GET /leads/export?status=none", "POST /leads", "POST /forms/contact", "OPTIONS /leads")
        for name, piece in HEADERS.items()
        for length in LENGTHS
    ]
    with target.under_attack() as cost:
        assert max(target.exchange(request).status for request in requests) < 500
    target.check("processor ms", cost.cpu_ms, at_most=CPU_MS * len(requests))
    target.check("longest line of the log", cost.log_line, at_most=LOG_LINE)
    target.check_others(cost, held_ms=HELD_MS)


def test_a_long_path_costs_little(target: Target) -> None:
    with target.under_attack() as cost:
        for path in PATHS:
            assert target.exchange(target.head(f"GET {path}")).status in range(300, 500)
    target.check("processor ms", cost.cpu_ms, at_most=CPU_MS * len(PATHS))
    target.check("longest line of the log", cost.log_line, at_most=LOG_LINE)
    target.check_others(cost, held_ms=HELD_MS)


def test_an_ambiguous_request_is_one_refused_request(target: Target) -> None:
    """Two servers that disagree about the end of a request let a client smuggle another one past the first."""
    for fields in AMBIGUOUS:
        with target.connect() as connection:
            connection.sendall(b"POST /leads HTTP/1.1\r\nhost: leads\r\nconnection: close\r\n" + fields)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        assert received.count(b"HTTP/1.1 ") <= 1, (fields, received)
        assert received[:12] in {b"", b"HTTP/1.1 400", b"HTTP/1.1 401"}, (fields, received)
