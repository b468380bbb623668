"""The public services: what is asked, what is made of the answer, and what of an error."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.eco2.conftest import switch_on

from eco2.llm import Picture
from eco2.services import ServiceError
from eco2.services import images as images_module
from eco2.services.images import Images
from eco2.services.kakao import KakaoLocal
from eco2.services.kma import KmaWeather, base_time, disposal_tips, grid_cell
from eco2.services.public_data import CollectionPoints, HouseholdWaste
from eco2.telemetry import Telemetry
from everytoken.simulator.serve import Simulator

TELEMETRY = Telemetry()


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(answer))


@pytest.mark.parametrize(
    ("place", "latitude", "longitude", "cell"),
    [("서울시청", 37.5665, 126.9780, (60, 127)), ("부산시청", 35.1798, 129.0750, (98, 76))],
)
def test_grid_cell_of_a_place(place: str, latitude: float, longitude: float, cell: tuple[int, int]) -> None:
    assert grid_cell(latitude, longitude) == cell


@pytest.mark.parametrize(
    ("utc", "expected"),
    [
        ((2026, 11, 22, 3, 39), ("20261122", "1100")),  # 12:39 in Seoul: 12:00 is not published yet
        ((2026, 11, 22, 3, 40), ("20261122", "1200")),
        ((2026, 11, 21, 15, 10), ("20261121", "2300")),  # ten past midnight: the day before
    ],
)
def test_base_time_is_korean_and_published(utc: tuple[int, int, int, int, int], expected: tuple[str, str]) -> None:
    assert base_time(datetime(*utc, tzinfo=UTC)) == expected


def test_tips_follow_the_weather() -> None:
    rain = {"precipitation_code": 1, "temperature_c": 12.0, "humidity_pct": 95.0}
    assert len(disposal_tips(rain)) == 1
    assert "종이류는 젖지 않게" in disposal_tips(rain)[0]
    warm = {"precipitation_code": 0, "temperature_c": 26.0, "humidity_pct": 40.0}
    assert disposal_tips(warm) == []
    assert "음식물" in disposal_tips(warm, food=True)[0]
    frost = {"precipitation_code": 3, "temperature_c": -2.0, "humidity_pct": 90.0}
    assert len(disposal_tips(frost)) == 3
    assert disposal_tips({"precipitation_code": None, "temperature_c": None, "humidity_pct": None}) == []


async def test_weather_asks_for_the_cell_and_the_published_hour() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        items = [("T1H", "-1.5"), ("REH", "40"), ("PTY", "3"), ("RN1", "0")]
        item = [{"category": category, "obsrValue": value} for category, value in items]
        return httpx.Response(
            200, json={"response": {"header": {"resultCode": "00"}, "body": {"items": {"item": item}}}}
        )

    async with answering(answer) as client:
        now = datetime(2026, 11, 22, 3, 50, tzinfo=UTC)
        kma = KmaWeather(client, "http://kma/service/", "key", TELEMETRY, now=lambda: now)
        found = await kma.current(37.5665, 126.9780)
    params = asked[0].url.params
    assert (params["nx"], params["ny"], params["base_date"], params["base_time"]) == ("60", "127", "20261122", "1200")
    assert asked[0].url.path == "/service/getUltraSrtNcst"
    assert found == {
        "temperature_c": -1.5,
        "humidity_pct": 40.0,
        "rain_mm": 0.0,
        "precipitation": "눈",
        "precipitation_code": 3,
    }


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (httpx.Response(200, json={"response": {"header": {"resultCode": "03", "resultMsg": "NO_DATA"}}}), "KMA 03"),
        (httpx.Response(200, text="<OpenAPI_ServiceResponse/>"), "not JSON"),
        (httpx.Response(500, text="down"), "HTTP 500"),
        (httpx.Response(200, json=[]), "not a JSON object"),
    ],
)
async def test_errors_of_the_weather_service_are_told(response: httpx.Response, message: str) -> None:
    async with answering(lambda _: response) as client:
        with pytest.raises(ServiceError, match=message):
            await KmaWeather(client, "http://kma", "key", TELEMETRY).current(37.5, 127.0)


async def test_kakao_by_keyword_near_a_place(simulator: Simulator) -> None:
    async with httpx.AsyncClient() as client:
        kakao = KakaoLocal(client, simulator.urls["kakao"], "key", TELEMETRY)
        places = await kakao.search("강남역 수거함", near=(37.4979, 127.0276), radius_m=90_000)
        assert 0 < len(places) <= 5
        assert places[0]["name"]
        distances = [place["distance_m"] for place in places]
        assert distances == sorted(distances)
        assert await kakao.locate("강남역") is not None


async def test_kakao_refuses_a_missing_key_with_its_own_words(simulator: Simulator) -> None:
    switch_on(simulator, "401", provider="kakao")
    async with httpx.AsyncClient() as client:
        with pytest.raises(ServiceError, match="HTTP 401"):
            await KakaoLocal(client, simulator.urls["kakao"], "", TELEMETRY).search("강남역")


async def test_kakao_by_category_needs_a_centre() -> None:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return httpx.Response(200, json={"documents": [], "meta": {"total_count": 0}})

    async with answering(answer) as client:
        kakao = KakaoLocal(client, "http://kakao", "key", TELEMETRY)
        await kakao.search("약국", category="PM9", near=(0.0, 127.0))
        await kakao.search("약국", category="PM9")
    assert [url.path for url in asked] == ["/v2/local/search/category.json", "/v2/local/search/keyword.json"]
    assert asked[0].params["y"] == "0.0"


async def test_household_waste_of_a_district(simulator: Simulator) -> None:
    async with httpx.AsyncClient() as client:
        rules = await HouseholdWaste(client, simulator.urls["mois"], "key", TELEMETRY).rules("강남구")
    assert rules[0]["district"] == "강남구"
    assert rules[0]["recycling_days"]
    assert rules[0]["phone"]


async def test_collection_points_of_a_district(simulator: Simulator) -> None:
    async with httpx.AsyncClient() as client:
        keco = CollectionPoints(client, simulator.urls["keco"], "key", TELEMETRY)
        points = await keco.near("강남구")
        assert points
        assert all("강남구" in point["address"] for point in points)
        switch_on(simulator, "500", provider="keco")
        with pytest.raises(ServiceError):
            await keco.near("강남구")


async def test_an_odcloud_error_in_a_good_status_is_an_error() -> None:
    async with answering(lambda _: httpx.Response(200, json={"code": -4, "msg": "등록되지 않은 인증키"})) as client:
        with pytest.raises(ServiceError, match="KECO -4"):
            await CollectionPoints(client, "http://keco", "key", TELEMETRY).near("강남구")


def images(client: httpx.AsyncClient, folder: Path, **options: Any) -> Images:
    return Images(client, folder, options.pop("public_url", ""), TELEMETRY, **{"private_links": True, **options})


async def test_a_picture_is_fetched_with_its_type(simulator: Simulator, tmp_path: Path) -> None:
    async with httpx.AsyncClient() as client:
        image = await images(client, tmp_path).fetch(f"{simulator.urls['images']}/bottle.png")
    assert image.mime_type == "image/png"
    assert image.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("path", "message"),
    [("missing.png", "HTTP 404"), ("page.png", "not a picture"), ("big.png?size_bytes=11000000", "larger than")],
)
async def test_what_is_no_usable_picture_is_refused(
    simulator: Simulator, tmp_path: Path, path: str, message: str
) -> None:
    async with httpx.AsyncClient() as client:
        with pytest.raises(ServiceError, match=message):
            await images(client, tmp_path).fetch(f"{simulator.urls['images']}/{path}")


@pytest.mark.parametrize(
    "url",
    ["", "ftp://x/y.png", "file:///etc/passwd", "http://127.0.0.1/x.png", "http://[::1]/x.png", "http://no.invalid/"],
)
async def test_links_that_lead_nowhere_or_inside_are_not_opened(tmp_path: Path, url: str) -> None:
    async with answering(lambda _: pytest.fail("opened")) as client:
        with pytest.raises(ServiceError):
            await images(client, tmp_path, private_links=False).fetch(url)


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    redirect = httpx.Response(302, headers={"location": "http://127.0.0.1/secret.png"})
    async with answering(lambda _: redirect) as client:
        with pytest.raises(ServiceError, match="HTTP 302"):
            await images(client, tmp_path).fetch("http://shop/bottle.png")


async def test_a_made_picture_is_kept_and_linked(tmp_path: Path) -> None:
    async with httpx.AsyncClient() as client:
        link = await images(client, tmp_path / "new", public_url="/images/").keep(Picture(b"png", "image/png", ""))
    assert link.startswith("/images/")
    assert (tmp_path / "new" / link.rpartition("/")[2]).read_bytes() == b"png"


@pytest.mark.parametrize("link", ["/images/../secret.png", "/images/x.png", "/elsewhere/" + "a" * 32 + ".png"])
async def test_only_the_link_of_a_kept_picture_leads_to_the_folder(tmp_path: Path, link: str) -> None:
    (tmp_path / "x.png").write_bytes(b"png")
    async with answering(lambda _: pytest.fail("opened")) as client:
        with pytest.raises(ServiceError, match="only http"):
            await images(client, tmp_path, public_url="/images").fetch(link)


async def test_a_kept_picture_that_is_gone_is_told(tmp_path: Path) -> None:
    async with answering(lambda _: pytest.fail("opened")) as client:
        with pytest.raises(ServiceError, match="no longer kept"):
            await images(client, tmp_path, public_url="/images").fetch(f"/images/{'a' * 32}.png")


async def test_the_oldest_pictures_leave_a_full_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images_module, "MAX_KEPT", 2)
    (tmp_path / "notes.txt").write_text("not ours")
    async with httpx.AsyncClient() as client:
        keeper = images(client, tmp_path, public_url="/images")
        links = []
        for number in range(3):
            links.append(await keeper.store(b"png", "image/png"))
            os.utime(tmp_path / links[-1].rpartition("/")[2], (number, number))
        links.append(await keeper.store(b"png", "image/png"))
    kept = {link.rpartition("/")[2] for link in links[2:]}
    left = await asyncio.to_thread(lambda: {path.name for path in tmp_path.iterdir()})
    assert left == kept | {"notes.txt"}
