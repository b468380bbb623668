"""Two public data sets: how a district collects household waste (MOIS), and where drop-off boxes stand (KECO)."""

from typing import Any

import httpx

from eco2.services import ServiceError, get_json
from eco2.telemetry import Telemetry

TIMEOUT_S = 15.0
ROWS = 5
KECO_DATASET = "15106385/v1/uddi:4977d714-dca6-4bda-a10f-9bed30e2ce9c"

MOIS_FIELDS = {
    "CTPV_NM": "province",
    "SGG_NM": "district",
    "EMD_NM": "town",
    "EMSN_PLC_TYPE": "place_type",
    "LF_WST_EMSN_MTHD": "household_waste",
    "FOD_WST_EMSN_MTHD": "food_waste",
    "RCYCL_EMSN_DOW": "recycling_days",
    "BULK_WST_EMSN_MTHD": "bulk_waste",
    "MNG_DEPT_NM": "department",
    "MNG_DEPT_TEL": "phone",
    "DAT_CRTR_YMD": "as_of",
}
KECO_FIELDS = {
    "상호명": "name",
    "수거종류": "items",
    "수거방법": "method",
    "수거장소(주소)": "address",
    "장소구분": "place_type",
    "수거비용": "fee",
}


class HouseholdWaste:
    """행정안전부 생활쓰레기배출정보. https://www.data.go.kr/data/15155080, read 2026-11-22."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, key: str, telemetry: Telemetry) -> None:
        self._client = client
        self._url = f"{base_url.rstrip('/')}/info"
        self._key = key
        self._telemetry = telemetry

    async def rules(self, district: str) -> list[dict[str, str]]:
        """How the district takes household, food and bulk waste. Raises ServiceError, httpx.TransportError."""
        params = {"pageNo": 1, "numOfRows": ROWS, "returnType": "json", "cond[SGG_NM::LIKE]": district}
        with self._telemetry.tool("mois_household_waste", params) as run:
            body = await get_json(self._client, self._url, {"serviceKey": self._key, **params}, timeout_s=TIMEOUT_S)
            rules = [_renamed(item, MOIS_FIELDS) for item in _mois_items(body)]
            run["rules"] = rules
        return rules


class CollectionPoints:
    """한국환경공단 폐전자제품 수거함. https://www.data.go.kr/data/15106385/fileData.do, read 2026-11-22."""

    def __init__(self, client: httpx.AsyncClient, base_url: str, key: str, telemetry: Telemetry) -> None:
        self._client = client
        self._url = f"{base_url.rstrip('/')}/{KECO_DATASET}"
        self._key = key
        self._telemetry = telemetry

    async def near(self, address: str) -> list[dict[str, str]]:
        """Up to five boxes whose address contains `address`. Raises ServiceError, httpx.TransportError."""
        params = {"page": 1, "perPage": ROWS, "cond[수거장소(주소)::LIKE]": address}
        with self._telemetry.tool("keco_collection_points", params) as run:
            body = await get_json(self._client, self._url, {"serviceKey": self._key, **params}, timeout_s=TIMEOUT_S)
            if "data" not in body:
                raise ServiceError(f"KECO {body.get('code')}: {body.get('msg')}")
            points = [_renamed(item, KECO_FIELDS) for item in body["data"]]
            run["points"] = points
        return points


def _mois_items(body: dict[str, Any]) -> list[dict[str, Any]]:
    response = body.get("response", body)
    header = response.get("header", {})
    if header.get("resultCode", "00") not in ("00", "0"):
        raise ServiceError(f"MOIS {header.get('resultCode')}: {header.get('resultMsg')}")
    items = response.get("body", {}).get("items", [])
    found: list[dict[str, Any]] = items.get("item", []) if isinstance(items, dict) else items
    return found


def _renamed(item: dict[str, Any], fields: dict[str, str]) -> dict[str, str]:
    """The known fields under our names, empty ones left out."""
    return {ours: str(item[theirs]) for theirs, ours in fields.items() if item.get(theirs)}
