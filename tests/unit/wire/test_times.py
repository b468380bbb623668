"""Times of every spelling become UTC microseconds."""

import pytest

from everytoken.wire.times import DottedOrder, read_time, write_segment

ROOT, CHILD = "01a204f2-8c53-7543-9601-f245abe1e192", "01a204f2-8c5a-7544-9eac-fa96059b4f5d"


@pytest.mark.parametrize(
    ("value", "us"),
    [
        ("2026-11-22T20:28:54.227115+00:00", 1_795_379_334_227_115),
        ("2026-11-22T20:28:54.227115Z", 1_795_379_334_227_115),
        ("2026-11-22T20:28:54.227115", 1_795_379_334_227_115),
        ("2026-11-23T05:28:54.227115+09:00", 1_795_379_334_227_115),
        ("2026-11-22T20:28:54.227Z", 1_795_379_334_227_000),
        ("2026-11-22T20:28:54.227115999Z", 1_795_379_334_227_115),
        (1_795_379_302_934, 1_795_379_302_934_000),
        (1_795_379_302_934.25, 1_795_379_302_934_250),
        ("1970-01-01", 0),
        (0, 0),
    ],
)
def test_a_time_is_read_as_utc_microseconds(value: object, us: int) -> None:
    assert read_time(value) == us


@pytest.mark.parametrize("value", ["", "yesterday", "2026-13-01", None, True, [], {}, -1, 1e300, "9999-01-01", 1.8e18])
def test_what_is_no_time_names_the_value_and_the_cure(value: object) -> None:
    with pytest.raises(ValueError, match="is not a time; send ISO 8601 in UTC or milliseconds since 1970"):
        read_time(value)


def test_not_a_number_is_not_a_time() -> None:
    with pytest.raises(ValueError, match="is not a time"):
        read_time(float("nan"))


def test_a_dotted_order_carries_ids_and_start() -> None:
    order = DottedOrder(f"20261122T202854227115Z{ROOT}.20261122T202854234764Z{CHILD.upper()}")
    assert (order.trace_id, order.parent_run_id, order.run_id) == (ROOT, ROOT, CHILD)
    assert order.start_us == 1_795_379_334_234_764


def test_a_root_s_dotted_order_names_no_parent() -> None:
    order = DottedOrder(f"20261122T202854227115Z{ROOT}")
    assert (order.trace_id, order.parent_run_id, order.run_id) == (ROOT, None, ROOT)


@pytest.mark.parametrize(
    "text", ["", ROOT, f"20261122T202854227115Z{ROOT}.", f"20261322T202854227115Z{ROOT}", "x" * 58]
)
def test_a_broken_dotted_order_is_no_order(text: str) -> None:
    with pytest.raises(ValueError, match=r"dotted|joined|month|time"):
        DottedOrder(text)


def test_a_written_segment_is_what_the_sdk_writes() -> None:
    assert write_segment(1_795_379_334_227_115, ROOT) == f"20261122T202854227115Z{ROOT}"
