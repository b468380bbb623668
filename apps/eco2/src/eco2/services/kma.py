"""The weather now, from the grid of the Korea Meteorological Administration.

https://www.data.go.kr/data/15084084, read 2026-11-22.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from eco2.services import ServiceError, get_json
from eco2.telemetry import Telemetry

KST = ZoneInfo("Asia/Seoul")
TIMEOUT_S = 10.0
PUBLISHED_AT_MINUTE = 40
"""An hour's observation is published forty minutes into it; before that the hour before is the newest."""

# The grid is a Lambert conformal conic projection; constants from the KMA's guide to the service.
EARTH_KM = 6371.00877
CELL_KM = 5.0
PARALLELS = (30.0, 60.0)
ORIGIN = (38.0, 126.0)
ORIGIN_CELL = (43, 136)

PRECIPITATION = {0: "없음", 1: "비", 2: "비/눈", 3: "눈", 4: "소나기", 5: "빗방울", 6: "빗방울눈날림", 7: "눈날림"}
WET, FROZEN = frozenset({1, 2, 4, 5, 6}), frozenset({2, 3, 6, 7})


class KmaWeather:
    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        key: str,
        telemetry: Telemetry,
        now: Callable[[], datetime] = lambda: datetime.now(KST),
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._telemetry = telemetry
        self._now = now

    async def current(self, latitude: float, longitude: float) -> dict[str, Any]:
        """Temperature (°C), humidity (%), rain of the last hour (mm) and kind of precipitation.

        Raises as `get_json` does, and ServiceError when the service reports an error of its own.
        """
        nx, ny = grid_cell(latitude, longitude)
        date, time = base_time(self._now())
        params = {
            "dataType": "JSON",
            "numOfRows": 20,
            "pageNo": 1,
            "base_date": date,
            "base_time": time,
            "nx": nx,
            "ny": ny,
        }
        with self._telemetry.tool("kma_weather", params) as run:
            url = f"{self._base_url}/getUltraSrtNcst"
            body = await get_json(self._client, url, {"serviceKey": self._key, **params}, timeout_s=TIMEOUT_S)
            weather = _weather(body)
            run["weather"] = weather
        return weather


def _weather(body: dict[str, Any]) -> dict[str, Any]:
    response = body.get("response", {})
    header = response.get("header", {})
    if header.get("resultCode") != "00":
        raise ServiceError(f"KMA {header.get('resultCode')}: {header.get('resultMsg')}")
    items = response.get("body", {}).get("items", {}).get("item", [])
    values = {item["category"]: float(item["obsrValue"]) for item in items}
    kind = int(values.get("PTY", 0))
    return {
        "temperature_c": values.get("T1H"),
        "humidity_pct": values.get("REH"),
        "rain_mm": values.get("RN1"),
        "precipitation": PRECIPITATION.get(kind, "알 수 없음"),
        "precipitation_code": kind,
    }


def base_time(now: datetime) -> tuple[str, str]:
    """Date and hour of the newest published observation, in Korean time."""
    local = now.astimezone(KST)
    if local.minute < PUBLISHED_AT_MINUTE:
        local -= timedelta(hours=1)
    return local.strftime("%Y%m%d"), local.strftime("%H00")


def grid_cell(latitude: float, longitude: float) -> tuple[int, int]:
    """The cell (nx, ny) of a place. 37.5665, 126.9780 (서울시청) is (60, 127)."""
    radius = EARTH_KM / CELL_KM
    first, second = (math.radians(parallel) for parallel in PARALLELS)
    half = math.pi / 4
    cone = math.log(math.cos(first) / math.cos(second)) / math.log(
        math.tan(half + second / 2) / math.tan(half + first / 2)
    )
    scale = math.tan(half + first / 2) ** cone * math.cos(first) / cone

    def distance(degrees: float) -> float:
        return float(radius * scale / math.tan(half + math.radians(degrees) / 2) ** cone)

    rho, rho_origin = distance(latitude), distance(ORIGIN[0])
    theta = math.radians(longitude - ORIGIN[1]) * cone
    x = rho * math.sin(theta) + ORIGIN_CELL[0]
    y = rho_origin - rho * math.cos(theta) + ORIGIN_CELL[1]
    return math.floor(x + 0.5), math.floor(y + 0.5)


def disposal_tips(weather: dict[str, Any], *, food: bool = False) -> list[str]:
    """What the weather means for putting things out."""
    tips = []
    kind, temperature, humidity = (weather.get(key) for key in ("precipitation_code", "temperature_c", "humidity_pct"))
    if kind in WET:
        tips.append("비가 오니 종이류는 젖지 않게 비를 피할 수 있는 곳에 두거나 그친 뒤에 내놓으세요.")
    if kind in FROZEN:
        tips.append("눈이나 얼음으로 길이 미끄러우니 유리병과 무거운 물건은 조심해서 옮기세요.")
    if temperature is not None:
        if temperature >= (25 if food else 30):
            tips.append("더운 날에는 음식물이 금세 상하니 물기를 빼고 되도록 빨리 배출하세요.")
        if temperature <= 0:
            tips.append("액체가 얼어 용기가 깨질 수 있으니 내용물을 완전히 비우고 내놓으세요.")
    if humidity is not None and humidity >= 85 and kind not in WET:
        tips.append("습도가 높으니 종이류는 말려서 내놓으세요.")
    return tips
