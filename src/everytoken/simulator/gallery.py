"""Pictures to download, for agents that look at what users link to."""

from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.ask import Ask
from everytoken.simulator.exchange import RefusalError, WholeReply, World
from everytoken.simulator.picture import draw

MAX_SIDE = 2_048
MAX_BYTES = 32 * 1024**2


async def answer_picture(request: Request, world: World) -> WholeReply:
    """`/images/NAME.png`: another picture for every name. `missing.png` isn't there, `page.png` is a web page.

    `?width=`, `?height=` say the pixels; `?size_bytes=` pads the file, to try what is too large.
    """
    name = request.path_params["name"]
    ask = Ask(provider="images", api="download", model="", digest=f"picture {name}", user=name)
    exchange = world.begin(ask, request, world.clock())
    entry = exchange.open_entry("", exchange.answer.usage)
    if name == "page.png":
        return WholeReply(exchange, entry, b"<html><body>no picture</body></html>", headers={}, media_type="text/html")
    if name == "missing.png" or not name.endswith(".png"):
        raise RefusalError(404, "no such picture")
    width, height = _number(request, "width", 512, MAX_SIDE), _number(request, "height", 512, MAX_SIDE)
    picture = draw(name, width, height)
    size = _number(request, "size_bytes", len(picture), MAX_BYTES)
    return WholeReply(exchange, entry, picture + bytes(max(0, size - len(picture))), headers={}, media_type="image/png")


def refuse(refusal: RefusalError) -> Response:
    headers = {} if refusal.retry_after_s is None else {"retry-after": f"{refusal.retry_after_s:g}"}
    return Response(refusal.message or "error", status_code=refusal.status, headers=headers, media_type="text/plain")


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    return max(1, min(int(text), most)) if text.isdigit() else default
