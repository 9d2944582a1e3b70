"""Test that the bodies of forms are read whatever sends them."""

import json
import sys
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leads_adapters.http.form_bodies import (
    FIELDS_MAX,
    FORM_MAX_CHARACTERS,
    JSON,
    LEVELS_MAX,
    MEDIA_TYPES,
    MULTIPART,
    URL_ENCODED,
    FormType,
    collect,
    form_type,
    read_fields,
)
from leads_adapters.http.problems import MalformedRequest, PayloadTooLarge, Problem, UnsupportedMediaType
from leads_domain.errors import ValidationFailed

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"


def multipart(*parts: tuple[str, bytes], end: bytes = b"--") -> bytes:
    """Return a body of parts, each the parameters of its Content-Disposition and its content."""
    lines = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\n\r\n".encode() + content + b"\r\n"
        for parameters, content in parts
    ]
    return b"".join([*lines, f"--{BOUNDARY}".encode(), end, b"\r\n"])


def body_of(media_type: str, fields: list[tuple[str, str]]) -> bytes:
    """Return a body with these fields."""
    if media_type == JSON:
        return json.dumps(dict(fields)).encode()
    if media_type == MULTIPART:
        return multipart(*((f'name="{name}"', value.encode()) for name, value in fields))
    return urlencode(fields).encode()


def read(media_type: str, body: bytes) -> dict[str, str]:
    return read_fields(FormType(media_type, BOUNDARY), body)


def test_fields_of_a_page_are_read() -> None:
    assert read(URL_ENCODED, b"your-name=Ada+Muster&email=ada%40example.com&phone=") == {
        "your-name": "Ada Muster",
        "email": "ada@example.com",
        "phone": "",
    }
    body = multipart(('name="your-name"', b"Ada Muster"), ('name="email"', b"ada@example.com"), ('name="phone"', b""))
    assert read(MULTIPART, body) == {"your-name": "Ada Muster", "email": "ada@example.com", "phone": ""}


def test_nested_members_of_json_are_named_by_their_path() -> None:
    body = b"""{"data": {"contact": {"email": "ada@example.com", "age": 36, "vip": true, "fax": null}},
               "tags": ["new", "spring"], "answers": [{"text": "yes"}, {"text": "no"}]}"""
    assert read(JSON, body) == {
        "data.contact.email": "ada@example.com",
        "data.contact.age": "36",
        "data.contact.vip": "true",
        "data.contact.fax": "",
        "tags": "new, spring",
        "answers.0.text": "yes",
        "answers.1.text": "no",
    }


def test_a_value_that_a_field_has_twice_counts_once() -> None:
    assert collect([("email", "a@example.com"), ("email", "a@example.com")]) == {"email": "a@example.com"}


def test_several_values_of_a_field_are_joined() -> None:
    assert read(URL_ENCODED, b"interest=roof&interest=&interest=wall") == {"interest": "roof, wall"}


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_pages_in_an_old_encoding_are_read(encoding: str) -> None:
    name = "Jürgen Müller €".encode(encoding)
    quoted = "".join(f"%{byte:02X}" for byte in name).encode()
    assert read(URL_ENCODED, b"name=" + quoted) == {"name": "Jürgen Müller €"}
    assert read(URL_ENCODED, b"name=" + name) == {"name": "Jürgen Müller €"}
    assert read(MULTIPART, multipart(('name="name"', name))) == {"name": "Jürgen Müller €"}


def test_nul_is_replaced() -> None:
    assert read(URL_ENCODED, b"n%00=a%00b") == {"n\ufffd": "a\ufffdb"}
    assert read(JSON, rb'{"n": "a\u0000b"}') == {"n": "a\ufffdb"}


def test_a_file_field_without_a_file_is_left_out() -> None:
    assert read(MULTIPART, multipart(('name="name"', b"Ada"), ('name="photo"; filename=""', b""))) == {"name": "Ada"}


@pytest.mark.parametrize("parameters", ['name="photo"; filename="a.png"', 'name="photo"; filename=""'])
def test_files_are_refused(parameters: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="Send the form without files"):
        read(MULTIPART, multipart(('name="name"', b"Ada"), (parameters, b"PNG")))


@pytest.mark.parametrize(("start", "end"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_the_depth_of_json_is_limited(start: bytes, end: bytes) -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + levels * start + b"1" + levels * end + b"}"

    assert list(read(JSON, nested(LEVELS_MAX - 1)).values()) == ["1"]
    for levels in (LEVELS_MAX + 1, *range(sys.getrecursionlimit() - 200, sys.getrecursionlimit())):
        with pytest.raises(MalformedRequest, match="nested too deeply"):
            read(JSON, nested(levels))


def test_long_paths_cannot_make_a_small_body_large() -> None:
    def body(length: int) -> bytes:
        return json.dumps({"p" * length: {f"{number:03}": "" for number in range(FIELDS_MAX)}}).encode()

    length = FORM_MAX_CHARACTERS // FIELDS_MAX - len(".000")
    assert len(read(JSON, body(length))) == FIELDS_MAX
    with pytest.raises(PayloadTooLarge):
        read(JSON, body(length + 1))


def test_the_number_of_fields_is_limited() -> None:
    pairs = [(f"f{n}", "x") for n in range(FIELDS_MAX + 1)]
    for media_type in MEDIA_TYPES:
        assert len(read(media_type, body_of(media_type, pairs[:-1]))) == FIELDS_MAX
        with pytest.raises(Problem) as caught:
            read(media_type, body_of(media_type, pairs))
        assert caught.value.status_code == 413


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (MULTIPART, b""),
        (MULTIPART, b"name=Ada"),
        (MULTIPART, multipart(('name="name"', b"Ada"), end=b"")),
        (MULTIPART, multipart(('name="name"', b"Ada"))[:-10]),
        (MULTIPART, multipart(('name="name"\r\nno header', b"Ada"))),
        (JSON, b""),
        (JSON, b"{"),
        (JSON, b'{"name": "\xff"}'),
        (JSON, b'{"a":' * 5000),
    ],
)
def test_a_malformed_body_is_refused(media_type: str, body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read(media_type, body)
    assert caught.value.status_code == 400


def test_json_must_be_an_object() -> None:
    with pytest.raises(ValidationFailed, match="Send a JSON object"):
        read(JSON, b"[1]")


@given(st.sampled_from([URL_ENCODED, MULTIPART, JSON]), st.binary(max_size=300))
def test_any_body_is_read_or_refused(media_type: str, body: bytes) -> None:
    for sent in (body, multipart(('name="x"', body)), b'{"x": "' + body + b'"}'):
        try:
            fields = read(media_type, sent)
        except (Problem, ValidationFailed):
            continue
        for name, value in fields.items():
            assert "\0" not in name + value
            assert (name + value).encode()


def of_type(content_type: str, **headers: str) -> FormType:
    sent = {"content-type": content_type, **headers}
    return form_type({"headers": [(name.encode(), value.encode()) for name, value in sent.items()]})  # type: ignore[typeddict-item]


def test_the_type_of_a_body_has_its_boundary() -> None:
    assert of_type(f'Multipart/Form-Data; boundary="{BOUNDARY}"') == (MULTIPART, BOUNDARY)
    assert of_type(f"{URL_ENCODED}; charset=UTF-8") == (URL_ENCODED, "")
    assert of_type(f"{URL_ENCODED};charset=iso-8859-1") == (URL_ENCODED, "")


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "text/html", f"{URL_ENCODED}; charset=utf-16", f"{JSON};charset=x"]
)
def test_another_media_type_or_encoding_is_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="A form accepts"):
        of_type(content_type)


def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(UnsupportedMediaType, match="without a `Content-Encoding`"):
        of_type(JSON, **{"content-encoding": "gzip"})
