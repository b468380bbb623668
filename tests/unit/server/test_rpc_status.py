"""`google.rpc.Status` by hand, read back by Google's own messages."""

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from everytoken.server.rpc_status import MAX_MESSAGE_BYTES, retry_info, status


@pytest.mark.parametrize("message", ["", "body: 반쯤", "x" * 300])
def test_code_and_message_are_read_back(message: str) -> None:
    read = Status.FromString(status(3, message))
    assert (read.code, read.message, len(read.details)) == (3, message, 0)


@pytest.mark.parametrize("seconds", [1, 10, 127, 128, 86_400])
def test_the_wait_is_a_detail_that_every_language_unpacks(seconds: int) -> None:
    (detail,) = Status.FromString(status(14, "busy", retry_s=seconds)).details
    assert isinstance(detail, AnyMessage)
    info = RetryInfo()
    assert detail.Unpack(info)
    assert (info.retry_delay.seconds, info.retry_delay.nanos) == (seconds, 0)
    assert RetryInfo.FromString(retry_info(seconds)) == info


def test_a_long_message_is_cut_between_characters() -> None:
    read = Status.FromString(status(3, "한" * 1_000))
    assert read.message == "한" * (MAX_MESSAGE_BYTES // 3)
