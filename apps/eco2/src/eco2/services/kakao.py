"""Kakao Local: places by keyword or category.

https://developers.kakao.com/docs/latest/ko/local/dev-guide, read 2026-11-22.
"""

from typing import Any

import httpx

from eco2.services import get_json
from eco2.telemetry import Telemetry

TIMEOUT_S = 10.0
MAX_RADIUS_M = 20_000
PLACES = 5


class KakaoLocal:
    def __init__(self, client: httpx.AsyncClient, base_url: str, key: str, telemetry: Telemetry) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"KakaoAK {key}".strip()}  # a header must not end in a space
        self._telemetry = telemetry

    async def search(
        self,
        query: str,
        *,
        category: str | None = None,
        near: tuple[float, float] | None = None,
        radius_m: int = 5_000,
    ) -> list[dict[str, Any]]:
        """Up to five places, nearest first when `near` (latitude, longitude) is given. Raises as `get_json` does."""
        params: dict[str, Any] = {"size": PLACES}
        if category and near:  # the category search has no text and needs a centre
            kind, params["category_group_code"] = "category", category
        else:
            kind, params["query"] = "keyword", query
        if near:
            y, x = near
            params |= {"x": x, "y": y, "radius": max(1, min(radius_m, MAX_RADIUS_M)), "sort": "distance"}
        with self._telemetry.tool("kakao_place_search", {"search_type": kind, **params}) as run:
            url = f"{self._base_url}/v2/local/search/{kind}.json"
            body = await get_json(self._client, url, params, timeout_s=TIMEOUT_S, headers=self._headers)
            places = [_place(document) for document in body.get("documents", [])]
            run["places"] = places
            run["total_count"] = body.get("meta", {}).get("total_count")
        return places

    async def locate(self, place: str) -> tuple[float, float] | None:
        """Latitude and longitude of the best match for a place name."""
        places = await self.search(place)
        return (places[0]["latitude"], places[0]["longitude"]) if places else None


def _place(document: dict[str, Any]) -> dict[str, Any]:
    distance = document.get("distance")
    return {
        "name": document.get("place_name", ""),
        "category": document.get("category_name", ""),
        "address": document.get("road_address_name") or document.get("address_name", ""),
        "phone": document.get("phone", ""),
        "url": document.get("place_url", ""),
        "latitude": float(document.get("y") or 0),
        "longitude": float(document.get("x") or 0),
        "distance_m": int(distance) if distance else None,
    }
