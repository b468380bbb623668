"""The bodies of LangSmith's read API: JSON of clients that cut their texts anywhere."""

import json
import re
from typing import Any

from fastapi import Request

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class LangSmithRequest(Request):
    """A request whose texts can all be stored."""

    async def json(self) -> Any:
        """The body, with U+FFFD for each half of a surrogate pair: it has no UTF-8, and no store takes it.

        Raises:
            json.JSONDecodeError: it is no JSON.
        """
        data = await self.body()
        value = json.loads(data)
        if b"\\ud" not in data.lower() and b"\xed" not in data:  # neither escaped nor as it would be in UTF-8
            return value
        return json.loads(_LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
