"""Parts are told apart as RFC 7578 delimits them, whoever wrote them."""

import time

import pytest

from everytoken.wire.body import BodyEncodingError, BodyTooLargeError, BodyUnreadableError
from everytoken.wire.multipart import MAX_PARTS, Part, boundary_of, read_parts

BOUNDARY = b"b0undary"


def body(*parts: tuple[str, bytes]) -> bytes:
    """Parts given as headers and data."""
    return b"".join(b"--b0undary\r\n" + h.encode() + b"\r\n\r\n" + d + b"\r\n" for h, d in parts) + b"--b0undary--\r\n"


def parts_of(data: bytes) -> list[Part]:
    return list(read_parts(data, BOUNDARY))


def test_parts_of_the_python_sdk_are_read() -> None:
    headers = 'Content-Disposition: form-data; name="post.1"\r\nContent-Type: application/json\r\nContent-Length: 2'
    assert parts_of(body((headers, b"{}"))) == [Part("post.1", "application/json", b"{}")]


def test_parts_of_the_js_sdk_carry_their_length_in_the_type() -> None:
    headers = 'Content-Disposition: form-data; name="post.1"\r\nContent-Type: application/json; length=2'
    assert parts_of(body((headers, b"{}"))) == [Part("post.1", "application/json", b"{}")]


def test_headers_in_another_order_and_spelling_are_read() -> None:
    headers = (
        'content-type: IMAGE/PNG; length=3\r\nContent-disposition: form-data; filename="a"; name="attachment.1.a b"'
    )
    assert parts_of(body((headers, b"\x00\r\n"))) == [Part("attachment.1.a b", "image/png", b"\x00\r\n")]


def test_an_escaped_quote_belongs_to_the_name() -> None:
    headers = (
        'Content-Disposition: form-data; name="attachment.1.say \\"hi\\""\r\nContent-Type: text/plain; charset=utf-8'
    )
    assert parts_of(body((headers, b"x")))[0].name == 'attachment.1.say "hi"'


def test_data_may_hold_empty_lines_dashes_and_almost_the_boundary() -> None:
    data = b"\r\n\r\n--b0undar\r\n--\r\n\r\n"
    headers = 'Content-Disposition: form-data; name="x"\r\nContent-Type: a/b'
    assert parts_of(body((headers, data)))[0].data == data


def test_text_before_the_first_part_and_after_the_last_is_skipped() -> None:
    headers = 'Content-Disposition: form-data; name="x"\r\nContent-Type: a/b'
    assert len(parts_of(b"preamble\r\n" + body((headers, b"1")) + b"epilogue")) == 1


def test_no_part_at_all_is_an_empty_list() -> None:
    assert parts_of(b"--b0undary--\r\n") == []


@pytest.mark.parametrize("length", ["Content-Length: 5", "X-Other: 1\r\nContent-Length: 5"])
def test_a_part_shorter_than_it_says_is_marked_and_its_neighbour_is_read(length: str) -> None:
    good = 'Content-Disposition: form-data; name="good"\r\nContent-Type: a/b'
    bad = f'Content-Disposition: form-data; name="bad"\r\nContent-Type: a/b\r\n{length}'
    first, second = parts_of(body((bad, b"123"), (good, b"45")))
    assert (first.name, first.fault) == ("bad", "the part says 5 bytes and holds 3")
    assert (second.name, second.fault) == ("good", "")


def test_a_part_without_a_name_or_with_an_encoding_of_its_own_is_marked() -> None:
    nameless = "Content-Type: a/b"
    packed = 'Content-Disposition: form-data; name="x"\r\nContent-Encoding: gzip'
    first, second = parts_of(body((nameless, b"1"), (packed, b"2")))
    assert "no name" in first.fault
    assert "compress the whole body" in second.fault


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 12, 20, 60])
def test_a_body_without_its_end_is_unreadable(cut: int) -> None:
    headers = 'Content-Disposition: form-data; name="x"\r\nContent-Type: a/b'
    whole = body((headers, b"1"))[:-2]
    with pytest.raises(BodyUnreadableError):
        parts_of(whole[:-cut])


@pytest.mark.parametrize("data", [b"", b"{}", b"x--b0undary\r\n", b"--b0undaryX\r\n\r\n\r\n--b0undary--"])
def test_a_body_that_does_not_begin_with_its_boundary_is_unreadable(data: bytes) -> None:
    with pytest.raises(BodyUnreadableError):
        parts_of(data)


def test_headers_without_end_are_refused() -> None:
    with pytest.raises(BodyUnreadableError):
        parts_of(b"--b0undary\r\nContent-Type: a/b\r\n--b0undary--")
    with pytest.raises(BodyTooLargeError, match="headers"):
        parts_of(body(("X-Long: " + "x" * 9000, b"1")))


def test_a_hundred_thousand_parts_are_read_and_one_more_is_refused() -> None:
    one = b'--b0undary\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    assert MAX_PARTS == 100_000
    assert sum(1 for _ in read_parts(one * 100_000 + b"--b0undary--", BOUNDARY)) == 100_000
    with pytest.raises(BodyTooLargeError, match="more than 100000 parts"):
        parts_of(one * 100_001 + b"--b0undary--")


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('Multipart/Form-Data; charset=utf-8; BOUNDARY="a b"', b"a b"),
        ("multipart/form-data; boundary=----LangSmithFormBoundaryx1", b"----LangSmithFormBoundaryx1"),
    ],
)
def test_the_boundary_is_read_from_the_content_type(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=é",
    ],
)
def test_a_content_type_without_a_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(BodyEncodingError) as caught:
        boundary_of(content_type)
    assert caught.value.field == "Content-Type"


def test_a_part_that_says_its_length_may_hold_the_boundary() -> None:
    data = b"before\r\n--b0undary\r\nafter"
    headers = (
        f'Content-Disposition: form-data; name="post.1"\r\nContent-Type: text/plain\r\nContent-Length: {len(data)}'
    )
    assert parts_of(body((headers, data), (headers.replace("25", "2"), b"{}"))) == [
        Part("post.1", "text/plain", data),
        Part("post.1", "text/plain", b"{}"),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        b"content-disposition:" * 390,
        b'content-disposition: ;name=x"' * 270,
        b"content-type: a\r\n" * 480,
        b";length=" * 1000,
    ],
)
def test_headers_that_repeat_themselves_take_no_time(headers: bytes) -> None:
    parts = b"".join(b"--b\r\n" + headers + b"\r\n\r\nx\r\n" for _ in range(200))
    began_s = time.process_time()
    assert [part.fault[:20] for part in read_parts(parts + b"--b--\r\n", b"b")] == ["the part has no name"] * 200
    assert time.process_time() - began_s < 1
