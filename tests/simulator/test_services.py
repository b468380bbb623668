"""Kakao and the public data services: answers and errors in their own shapes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from everytoken.simulator.serve import Simulator

KEY = {"Authorization": "KakaoAK simulated"}


@pytest.fixture
def http(simulator: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.origin) as client:
        yield client


def places(http: httpx.Client, kind: str = "keyword", **params: Any) -> Any:
    return http.get(f"/v2/local/search/{kind}.json", params=params, headers=KEY).json()


def test_places_carry_every_field_of_kakao(http: httpx.Client) -> None:
    body = places(http, query="강남역 페트병 수거함", size=3)
    assert set(body["documents"][0]) == {
        "address_name", "category_group_code", "category_group_name", "category_name", "distance", "id", "phone",
        "place_name", "place_url", "road_address_name", "x", "y",
    }  # fmt: skip
    assert body["documents"][0]["place_name"] == "강남역 투명페트병 무인회수기"
    assert body["meta"] == {
        "is_end": False,
        "pageable_count": 15,
        "same_name": {"keyword": "페트병 수거함", "region": [], "selected_region": "서울 강남구"},
        "total_count": 15,
    }


def test_distance_is_measured_from_the_centre_and_bounded_by_the_radius(http: httpx.Client) -> None:
    found = places(http, query="강남역 수거함", x=127.02764, y=37.49794, radius=800, sort="distance")["documents"]
    away = [int(place["distance"]) for place in found]
    assert away == sorted(away)
    assert 0 < len(away) < 15
    assert away[-1] <= 800


def test_pages_do_not_overlap_and_end(http: httpx.Client) -> None:
    pages = [places(http, query="잠실역 재활용", size=10, page=page) for page in (1, 2)]
    ids = [place["id"] for page in pages for place in page["documents"]]
    assert (len(ids), len(set(ids))) == (15, 15)
    assert [page["meta"]["is_end"] for page in pages] == [False, True]


def test_category_search_finds_that_group_alone(http: httpx.Client) -> None:
    found = places(http, "category", category_group_code="PM9", x=127.0276, y=37.4979, radius=2000)["documents"]
    assert {place["category_group_name"] for place in found} == {"약국"}


def test_nothing_known_is_found_nowhere(http: httpx.Client) -> None:
    assert places(http, query="쿼카 동물원")["documents"] == []


@pytest.mark.parametrize(
    ("params", "headers", "status", "kind"),
    [
        ({"query": "강남역"}, {}, 401, "AccessDeniedError"),
        ({}, KEY, 400, "MissingParameter"),
        ({"query": "강남역", "size": 16}, KEY, 400, "InvalidArgument"),
        ({"query": "강남역", "x": 500, "y": 1}, KEY, 400, "InvalidArgument"),
        ({"query": "강남역"}, {**KEY, "x-simulator-fault": "429"}, 429, "RequestThrottled"),
    ],
)
def test_kakao_errors(
    http: httpx.Client, params: dict[str, Any], headers: dict[str, str], status: int, kind: str
) -> None:
    answer = http.get("/v2/local/search/keyword.json", params=params, headers=headers)
    assert (answer.status_code, answer.json()["errorType"]) == (status, kind)


KMA = "/1360000/VilageFcstInfoService_2.0"
CELL: dict[str, Any] = {
    "serviceKey": "k",
    "dataType": "JSON",
    "base_date": "20260801",
    "base_time": "1400",
    "nx": 60,
    "ny": 127,
}


def test_nowcast_observes_temperature_rain_and_humidity(http: httpx.Client) -> None:
    body = http.get(f"{KMA}/getUltraSrtNcst", params=CELL).json()["response"]
    assert body["header"] == {"resultCode": "00", "resultMsg": "NORMAL_SERVICE"}
    values = {item["category"]: float(item["obsrValue"]) for item in body["body"]["items"]["item"]}
    assert {"T1H", "RN1", "PTY", "REH"} <= set(values)
    assert 20 < values["T1H"] < 40
    assert http.get(f"{KMA}/getUltraSrtNcst", params=CELL).json()["response"] == body


def test_forecast_tells_the_sky_of_the_hours_ahead(http: httpx.Client) -> None:
    body = http.get(f"{KMA}/getUltraSrtFcst", params={**CELL, "numOfRows": 100}).json()["response"]["body"]
    skies = [item["fcstTime"] for item in body["items"]["item"] if item["category"] == "SKY"]
    assert skies == ["1500", "1600", "1700", "1800", "1900", "2000"]


@pytest.mark.parametrize(("wrong", "code"), [({"nx": ""}, "11"), ({"base_time": "noon"}, "10"), ({"nx": 999}, "03")])
def test_kma_says_its_errors_with_status_200(http: httpx.Client, wrong: dict[str, Any], code: str) -> None:
    answer = http.get(f"{KMA}/getUltraSrtNcst", params={**CELL, **wrong})
    assert (answer.status_code, answer.json()["response"]["header"]["resultCode"]) == (200, code)


def test_missing_key_is_told_in_xml_with_status_200(http: httpx.Client) -> None:
    answer = http.get(f"{KMA}/getUltraSrtNcst", params={**CELL, "serviceKey": ""})
    assert answer.status_code == 200
    assert "<returnReasonCode>30</returnReasonCode>" in answer.text


def test_without_a_data_type_kma_answers_in_xml(http: httpx.Client) -> None:
    answer = http.get(f"{KMA}/getUltraSrtNcst", params={**CELL, "dataType": "XML"})
    assert answer.text.startswith("<?xml")
    assert "<category>T1H</category>" in answer.text


def test_household_waste_is_found_by_district(http: httpx.Client) -> None:
    params: dict[str, Any] = {"serviceKey": "k", "returnType": "json", "cond[SGG_NM::LIKE]": "강남구"}
    body = http.get("/1741000/household_waste_info/info", params=params).json()["response"]["body"]
    assert (body["totalCount"], body["items"]["item"][0]["SGG_NM"]) == (1, "강남구")
    none = http.get("/1741000/household_waste_info/info", params={**params, "cond[SGG_NM::LIKE]": "없는구"}).json()
    assert none["response"]["body"]["items"]["item"] == []


def test_boxes_are_found_by_address(http: httpx.Client) -> None:
    params: dict[str, Any] = {"serviceKey": "k", "page": 1, "perPage": 5, "cond[수거장소(주소)::LIKE]": "마포구"}
    body = http.get("/api/15106385/v1/uddi:any", params=params).json()
    assert (body["currentCount"], body["matchCount"], body["totalCount"]) == (5, 6, 126)
    assert set(body["data"][0]) == {"순번", "상호명", "수거종류", "수거방법", "수거장소(주소)", "장소구분", "수거비용"}


def test_boxes_need_a_key(http: httpx.Client) -> None:
    answer = http.get("/api/15106385/v1/uddi:any")
    assert (answer.status_code, answer.json()["code"]) == (401, -401)


def test_pictures_can_be_downloaded_or_not(http: httpx.Client) -> None:
    picture = http.get("/images/bottle.png", params={"width": 64, "height": 32, "size_bytes": 5000})
    assert (picture.headers["content-type"], len(picture.content), picture.content[:4]) == (
        "image/png",
        5000,
        b"\x89PNG",
    )
    assert http.get("/images/missing.png").status_code == 404
    assert http.get("/images/page.png").headers["content-type"] == "text/html"


def test_services_bill_no_tokens(simulator: Simulator, http: httpx.Client) -> None:
    places(http, query="강남역 카페")
    assert simulator.ledger() == []
