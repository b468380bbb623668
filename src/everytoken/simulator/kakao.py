"""Kakao Local: places by keyword and by category, around Seoul's stations. The places are sample data."""

import math
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.ask import Ask
from everytoken.simulator.chance import Chance
from everytoken.simulator.exchange import Exchange, RefusalError, WholeReply, World

Json = dict[str, Any]
EARTH_RADIUS_M = 6_371_008.8
MAX_PAGEABLE = 45
"""Kakao never pages beyond this many. https://developers.kakao.com/docs/latest/ko/local/dev-guide, read 2026-11-22."""

REGIONS: dict[str, tuple[float, float, str]] = {
    "강남역": (37.49794, 127.02764, "서울 강남구"), "역삼역": (37.50064, 127.03642, "서울 강남구"),
    "삼성역": (37.50884, 127.06316, "서울 강남구"), "선릉역": (37.50450, 127.04891, "서울 강남구"),
    "교대역": (37.49346, 127.01440, "서울 서초구"), "서초역": (37.49190, 127.00792, "서울 서초구"),
    "잠실역": (37.51327, 127.10014, "서울 송파구"), "홍대입구역": (37.55724, 126.92403, "서울 마포구"),
    "합정역": (37.54955, 126.91396, "서울 마포구"), "신촌역": (37.55518, 126.93687, "서울 서대문구"),
    "서울역": (37.55465, 126.97257, "서울 용산구"), "시청역": (37.56575, 126.97702, "서울 중구"),
    "종각역": (37.57020, 126.98296, "서울 종로구"), "성수역": (37.54459, 127.05596, "서울 성동구"),
    "건대입구역": (37.54022, 127.07013, "서울 광진구"), "왕십리역": (37.56124, 127.03713, "서울 성동구"),
    "사당역": (37.47654, 126.98155, "서울 동작구"), "신림역": (37.48425, 126.92971, "서울 관악구"),
    "여의도역": (37.52159, 126.92425, "서울 영등포구"), "노원역": (37.65479, 127.06129, "서울 노원구"),
    "강남": (37.49794, 127.02764, "서울 강남구"), "서초": (37.48360, 127.03264, "서울 서초구"),
    "송파": (37.51453, 127.10586, "서울 송파구"), "마포": (37.56638, 126.90190, "서울 마포구"),
    "종로": (37.57302, 126.97940, "서울 종로구"), "판교": (37.39476, 127.11116, "경기 성남시 분당구"),
    "수원": (37.26364, 127.02860, "경기 수원시 팔달구"), "인천": (37.45626, 126.70521, "인천 남동구"),
    "대전": (36.35041, 127.38455, "대전 서구"), "대구": (35.87144, 128.60145, "대구 중구"),
    "광주": (35.15950, 126.85260, "광주 서구"), "부산": (35.17954, 129.07564, "부산 연제구"),
    "제주": (33.49962, 126.53119, "제주특별자치도 제주시"), "서울": (37.56656, 126.97802, "서울 중구"),
}  # fmt: skip
"""Latitude, longitude and district. Longer names are tried first."""

STREETS = ("강남대로", "테헤란로", "새싹로", "푸른숲길", "되살림로", "나눔로", "초록길", "맑은물로")
KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("{r} 투명페트병 무인회수기", "서비스,산업 > 환경 > 재활용", "", ""),
    ("{r} 재활용 분리수거함", "서비스,산업 > 환경 > 재활용", "", ""),
    ("{r} 주민센터 재활용정거장", "사회,공공기관 > 행정기관 > 주민센터", "PO3", "공공기관"),
    ("초록가게 {r}점", "가정,생활 > 제로웨이스트샵", "", ""),
    ("{r} 폐건전지·폐형광등 수거함", "서비스,산업 > 환경 > 재활용", "", ""),
    ("되살림 의류수거함 {r}", "서비스,산업 > 환경 > 재활용", "", ""),
    ("리필스테이션 다시채움 {r}점", "가정,생활 > 제로웨이스트샵", "", ""),
    ("{r} 자원순환센터", "사회,공공기관 > 공공시설", "PO3", "공공기관"),
    ("{r} 종이팩 교환소", "서비스,산업 > 환경 > 재활용", "", ""),
    ("카페 텀블러하우스 {r}점", "음식점 > 카페", "CE7", "카페"),
    ("{r} 초록마트", "가정,생활 > 슈퍼,마트", "MT1", "대형마트"),
    ("{r} 소형가전 수거함", "서비스,산업 > 환경 > 재활용", "", ""),
    ("{r} 늘푸른약국 (폐의약품 수거)", "의료,건강 > 약국", "PM9", "약국"),
    ("{r} 편의점 공병반환소", "가정,생활 > 편의점", "CS2", "편의점"),
    ("되살림 나눔장터 {r}", "사회,공공기관 > 단체,협회", "", ""),
)
"""Name, category, category group code and group name of the places around any region."""
GROUPS = frozenset({
    "MT1", "CS2", "PS3", "SC4", "AC5", "PK6", "OL7", "SW8", "BK9",
    "CT1", "AG2", "PO3", "AT4", "AD5", "FD6", "CE7", "HP8", "PM9",
})  # fmt: skip
TOPICS = (
    "수거", "재활용", "분리", "배출", "버리", "페트", "건전지", "형광", "의류", "헌옷", "제로웨이스트", "리필",
    "가게", "카페", "마트", "약국", "편의점", "주민센터", "종이팩", "가전", "자원순환", "공병", "나눔",
)  # fmt: skip
"""A query with one of these words finds something even where it names no region."""


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    category: str
    group: tuple[str, str]
    phone: str
    address: str
    road_address: str
    latitude: float
    longitude: float
    number: int


async def search_keyword(request: Request, world: World) -> Response | WholeReply:
    clock = world.clock()
    query = request.query_params.get("query", "").strip()
    _check_key(request)
    if not query:
        raise RefusalError(400, "query parameter required", code="MissingParameter")
    centre = _centre(request)
    ask = Ask(provider="kakao", api="keyword", model="", digest=f"keyword {request.url.query}", user=query)
    exchange = world.begin(ask, request, clock)
    region = region_of(query)
    if region is None and centre is None and not any(topic in query for topic in TOPICS):
        places: list[Place] = []
    else:
        places = _matching(places_around(region or "서울", None if region else centre, world.seed), query)
    group = request.query_params.get("category_group_code")
    found = [place for place in places if not group or place.group[0] in group.split(",")]
    return _page(request, exchange, found, centre, keyword=query, region=region)


async def search_category(request: Request, world: World) -> Response | WholeReply:
    clock = world.clock()
    _check_key(request)
    group = request.query_params.get("category_group_code", "")
    if not group:
        raise RefusalError(400, "category_group_code parameter required", code="MissingParameter")
    if group not in GROUPS:
        raise RefusalError(400, f"category_group_code is wrong : {group}", code="InvalidArgument")
    centre = _centre(request)
    if centre is None:
        raise RefusalError(400, "x,y,radius or rect parameter required", code="MissingParameter")
    ask = Ask(provider="kakao", api="category", model="", digest=f"category {request.url.query}", user=group)
    exchange = world.begin(ask, request, clock)
    around = places_around(_nearest(centre), centre, world.seed)
    return _page(request, exchange, [p for p in around if p.group[0] == group], centre, keyword="", region=None)


def refuse(refusal: RefusalError) -> Response:
    """An error as Kakao words it."""
    names = {401: "AccessDeniedError", 403: "NotAuthorizedError", 429: "RequestThrottled", 500: "InternalServerError"}
    texts = {
        401: "wrong appKey() format",
        429: "API limit has been exceeded.",
        500: "internal server error",
        503: "service unavailable",
    }
    body = {
        "errorType": refusal.code or names.get(refusal.status, "InvalidArgument"),
        "message": refusal.message or texts.get(refusal.status, "error"),
    }
    headers = {} if refusal.retry_after_s is None else {"retry-after": f"{refusal.retry_after_s:g}"}
    return Response(orjson.dumps(body), status_code=refusal.status, headers=headers, media_type="application/json")


def region_of(text: str) -> str | None:
    """The longest known region that stands in the text."""
    return next((name for name in sorted(REGIONS, key=len, reverse=True) if name in text), None)


def places_around(region: str, centre: tuple[float, float] | None, seed: int) -> list[Place]:
    """The sample places of a region, or of that region's names around another point."""
    latitude, longitude, district = REGIONS[region]
    if centre is not None:
        latitude, longitude = centre
    places = []
    for index, (name, category, code, group) in enumerate(KINDS):
        chance = Chance(seed, "place", region, index)
        street, house = chance.pick(STREETS), chance.between(3, 480)
        places.append(
            Place(
                name=name.format(r=region),
                category=category,
                group=(code, group),
                phone=f"02-{chance.between(300, 899)}-{chance.between(1000, 9999)}" if chance.share() < 0.7 else "",
                address=f"{district} {chance.between(1, 900)}-{chance.between(1, 40)}",
                road_address=f"{district} {street} {house}",
                latitude=round(latitude + (chance.share() - 0.5) * 0.016, 8),
                longitude=round(longitude + (chance.share() - 0.5) * 0.020, 8),
                number=chance.between(10_000_000, 2_000_000_000),
            )
        )
    return places


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance of two (latitude, longitude) points."""
    (lat_a, lon_a), (lat_b, lon_b) = (tuple(map(math.radians, point)) for point in (a, b))
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(h))


def _matching(places: list[Place], query: str) -> list[Place]:
    """Best matches first: places that share the most pairs of characters with the query."""
    pairs = {query[i : i + 2] for i in range(len(query) - 1)}
    return sorted(places, key=lambda place: -sum(pair in place.name + place.category for pair in pairs))


def _page(
    request: Request,
    exchange: Exchange,
    places: list[Place],
    centre: tuple[float, float] | None,
    *,
    keyword: str,
    region: str | None,
) -> WholeReply:
    size, page = _number(request, "size", 15, 1, 15), _number(request, "page", 1, 1, 45)
    radius = _number(request, "radius", 20_000, 0, 20_000) if "radius" in request.query_params else None
    spots = [(place, distance_m(centre, (place.latitude, place.longitude)) if centre else None) for place in places]
    if centre and radius is not None:
        spots = [(place, away) for place, away in spots if away is not None and away <= radius]
    sort = request.query_params.get("sort", "accuracy")
    if sort not in ("accuracy", "distance"):
        raise RefusalError(400, f"sort is wrong : {sort}", code="InvalidArgument")
    if sort == "distance" and centre:
        spots.sort(key=lambda spot: spot[1] or 0.0)
    body: Json = {
        "documents": [_document(place, away) for place, away in spots[(page - 1) * size : page * size]],
        "meta": {
            "is_end": page * size >= min(len(spots), MAX_PAGEABLE),
            "pageable_count": min(len(spots), MAX_PAGEABLE),
            "same_name": {
                "keyword": keyword.replace(region, "").strip() if region else keyword,
                "region": [],
                "selected_region": REGIONS[region][2] if region else "",
            },
            "total_count": len(spots),
        },
    }
    if not keyword:
        body["meta"]["same_name"] = None
    entry = exchange.open_entry("", exchange.answer.usage)
    return WholeReply(exchange, entry, orjson.dumps(body), headers={})


def _document(place: Place, away: float | None) -> Json:
    return {
        "address_name": place.address,
        "category_group_code": place.group[0],
        "category_group_name": place.group[1],
        "category_name": place.category,
        "distance": "" if away is None else str(round(away)),
        "id": str(place.number),
        "phone": place.phone,
        "place_name": place.name,
        "place_url": f"http://place.map.kakao.com/{place.number}",
        "road_address_name": place.road_address,
        "x": f"{place.longitude:.8f}",
        "y": f"{place.latitude:.8f}",
    }


def _check_key(request: Request) -> None:
    key = request.headers.get("authorization", "")
    if not key:
        raise RefusalError(401, "cannot find Authorization : KakaoAK header")
    if not key.startswith("KakaoAK ") or not key.removeprefix("KakaoAK ").strip():
        raise RefusalError(401, "wrong appKey() format")


def _centre(request: Request) -> tuple[float, float] | None:
    x, y = request.query_params.get("x"), request.query_params.get("y")
    if not x or not y:
        return None
    try:
        longitude, latitude = float(x), float(y)
    except ValueError as error:
        raise RefusalError(400, "x or y is not a number", code="InvalidArgument") from error
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise RefusalError(400, "x or y is out of range", code="InvalidArgument")
    return latitude, longitude


def _nearest(centre: tuple[float, float]) -> str:
    return min(REGIONS, key=lambda name: distance_m(centre, REGIONS[name][:2]))


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        raise RefusalError(400, f"{name} is not between {low} and {high}", code="InvalidArgument")
    return int(text)
