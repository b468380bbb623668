"""The bodies of LangSmith's read API: JSON of clients that cut their texts anywhere."""

import json
import re
from typing import Any

from fastapi import HTTPException, Request

from everytoken.wire.json_text import MAX_DEPTH, deeper_than

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class LangSmithRequest(Request):
    """A request whose texts can all be stored."""

    async def json(self) -> Any:
        """The body, with U+FFFD for each half of a surrogate pair: it has no UTF-8, and no store takes it.

        Raises:
            json.JSONDecodeError: it is no JSON.
            HTTPException: it is nested deeper than can be stored.
        """
        data = await self.body()
        try:
            value = json.loads(data)
            if deeper_than(value, MAX_DEPTH):
                raise RecursionError
        except RecursionError as error:
            raise HTTPException(400, f"the JSON is nested deeper than {MAX_DEPTH} levels") from error
        if b"\\ud" not in data.lower() and b"\xed" not in data:  # neither escaped nor as it would be in UTF-8
            return value
        return json.loads(_LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)))
