"""Korea's public data services: weather (KMA), household waste (MOIS), drop-off boxes (KECO). Sample data."""

import re
from datetime import datetime, timedelta
from html import escape
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from everytoken.simulator.ask import Ask
from everytoken.simulator.chance import Chance
from everytoken.simulator.exchange import Exchange, RefusalError, WholeReply, World

Json = dict[str, Any]
MAX_ROWS = 1_000
STREETS = ("푸른숲로", "새싹로", "나눔로", "맑은물로")
MONTHLY_C = (-2, 1, 7, 13, 18, 23, 26, 27, 22, 15, 8, 0)
"""Mean temperature of Seoul by month, °C, rounded."""
KMA_RESULTS = {
    "03": "NO_DATA",
    "10": "INVALID_REQUEST_PARAMETER_ERROR",
    "11": "NO_MANDATORY_REQUEST_PARAMETERS_ERROR",
}
GATEWAY_ERRORS = {
    401: ("SERVICE_KEY_IS_NOT_REGISTERED_ERROR", "30"),
    429: ("LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR", "22"),
}
"""What the gateway of data.go.kr says in XML, whatever format was asked for; a bad key comes with status 200."""

DISTRICTS = {
    "강남구": ("서울특별시", "화,목,일"), "서초구": ("서울특별시", "월,수,금"), "송파구": ("서울특별시", "일,화,목"),
    "마포구": ("서울특별시", "월,수,금"), "종로구": ("서울특별시", "화,목,일"), "용산구": ("서울특별시", "일,화,목"),
    "성동구": ("서울특별시", "월,수,금"), "광진구": ("서울특별시", "화,목,일"), "관악구": ("서울특별시", "일,화,목"),
    "동작구": ("서울특별시", "월,수,금"), "영등포구": ("서울특별시", "화,목,일"), "노원구": ("서울특별시", "월,수,금"),
    "서대문구": ("서울특별시", "일,화,목"), "중구": ("서울특별시", "월,수,금"), "해운대구": ("부산광역시", "화,목"),
    "연제구": ("부산광역시", "월,수,금"), "남동구": ("인천광역시", "일,화,목"), "서구": ("대전광역시", "월,수,금"),
    "팔달구": ("경기도 수원시", "화,목,일"), "분당구": ("경기도 성남시", "월,수"), "제주시": ("제주특별자치도", "매일"),
}  # fmt: skip
"""Province and recycling days of the districts that have sample data."""
BOXES = (
    ("{d}청 민원실", "폐휴대폰, 소형가전", "수거함 비치", "관공서"),
    ("{d} 제1주민센터", "폐건전지, 폐형광등, 소형가전", "수거함 비치", "주민센터"),
    ("{d} 제2주민센터", "폐건전지, 폐형광등", "수거함 비치", "주민센터"),
    ("초록전자 {d}점", "폐휴대폰, 대형가전, 소형가전", "매장 접수", "대리점"),
    ("되살림마트 {d}점", "폐건전지, 폐휴대폰", "수거함 비치", "대형마트"),
    ("{d} 의류나눔센터", "의류, 신발, 가방", "수거함 비치", "공공시설"),
)


async def answer_kma(request: Request, world: World) -> Response | WholeReply:
    """Nowcast and forecasts of one grid cell."""
    query = request.query_params
    _check_key(request)
    exchange = _begin(request, world, "kma", query.get("nx", "") + "," + query.get("ny", ""))
    kind = request.path_params["operation"]
    wants_json = query.get("dataType", "XML").upper() == "JSON"
    needed = ("base_date", "base_time", "nx", "ny")
    if any(not query.get(name) for name in needed):
        return _kma_error("11", wants_json=wants_json)
    try:
        asked = datetime.strptime(query["base_date"] + query["base_time"], "%Y%m%d%H%M")  # Korean local time, as asked
        nx, ny = int(query["nx"]), int(query["ny"])
    except ValueError:
        return _kma_error("10", wants_json=wants_json)
    if not (1 <= nx <= 149 and 1 <= ny <= 253):
        return _kma_error("03", wants_json=wants_json)
    given = exchange.answer.given if isinstance(exchange.answer.given, dict) else {}
    items = _kma_items(kind, asked, nx, ny, world.seed, given)
    rows, page = _count(query.get("numOfRows"), 10), _count(query.get("pageNo"), 1)
    body = {
        "dataType": "JSON" if wants_json else "XML",
        "items": {"item": items[(page - 1) * rows : page * rows]},
        "pageNo": page,
        "numOfRows": rows,
        "totalCount": len(items),
    }
    response = {"response": {"header": {"resultCode": "00", "resultMsg": "NORMAL_SERVICE"}, "body": body}}
    return _reply(exchange, response, as_json=wants_json)


async def answer_mois(request: Request, world: World) -> Response | WholeReply:
    """How districts collect household waste."""
    query = request.query_params
    _check_key(request)
    wanted = query.get("cond[SGG_NM::LIKE]", "")
    exchange = _begin(request, world, "mois", wanted)
    found = [_mois_item(name, world.seed) for name in DISTRICTS if wanted in name or (name in wanted and wanted)]
    rows, page = _count(query.get("numOfRows"), 10), _count(query.get("pageNo"), 1)
    body = {
        "items": {"item": found[(page - 1) * rows : page * rows]},
        "numOfRows": rows,
        "pageNo": page,
        "totalCount": len(found),
    }
    response = {"response": {"header": {"resultCode": "0", "resultMsg": "NORMAL SERVICE"}, "body": body}}
    return _reply(exchange, response, as_json=query.get("returnType", "xml").lower() == "json")


async def answer_keco(request: Request, world: World) -> WholeReply:
    """Drop-off boxes of all districts, filtered as odcloud filters."""
    query = request.query_params
    if not (query.get("serviceKey") or request.headers.get("authorization")):
        raise RefusalError(401, "유효하지 않은 인증키 입니다.", code="-401")
    exchange = _begin(request, world, "keco", query.get("cond[수거장소(주소)::LIKE]", ""))
    boxes = [box for district in DISTRICTS for box in _keco_boxes(district, world.seed)]
    for number, box in enumerate(boxes, 1):
        box["순번"] = number
    conditions = {
        key[5:-7]: value for key, value in query.items() if key.startswith("cond[") and key.endswith("::LIKE]")
    }
    found = [box for box in boxes if all(value in str(box.get(field, "")) for field, value in conditions.items())]
    rows, page = _count(query.get("perPage"), 10), _count(query.get("page"), 1)
    shown = found[(page - 1) * rows : page * rows]
    body = {
        "page": page, "perPage": rows, "totalCount": len(boxes), "currentCount": len(shown), "matchCount": len(found),
        "data": shown,
    }  # fmt: skip
    return _reply(exchange, body, as_json=True)


def refuse_gateway(refusal: RefusalError) -> Response:
    """An error of the data.go.kr gateway: XML, and a refused key even with status 200."""
    message, code = GATEWAY_ERRORS.get(refusal.status, ("SERVICE_TIMEOUT_ERROR", "05"))
    xml = (
        "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
        f"<returnAuthMsg>{message}</returnAuthMsg><returnReasonCode>{code}</returnReasonCode>"
        "</cmmMsgHeader></OpenAPI_ServiceResponse>"
    )
    headers = {} if refusal.retry_after_s is None else {"retry-after": f"{refusal.retry_after_s:g}"}
    status = 200 if refusal.status == 401 else refusal.status
    return Response(xml, status_code=status, headers=headers, media_type="text/xml;charset=UTF-8")


def refuse_odcloud(refusal: RefusalError) -> Response:
    """An error as odcloud words it."""
    body = {"code": int(refusal.code or -refusal.status), "msg": refusal.message or "서비스를 이용할 수 없습니다."}
    return Response(orjson.dumps(body), status_code=refusal.status, media_type="application/json")


def _begin(request: Request, world: World, provider: str, wanted: str) -> Exchange:
    path = request.url.path
    ask = Ask(
        provider=provider, api=path.rsplit("/", 1)[-1], model="", digest=f"{path}?{request.url.query}", user=wanted
    )
    return world.begin(ask, request, world.clock())


def _check_key(request: Request) -> None:
    if not request.query_params.get("serviceKey"):
        raise RefusalError(401, "")


def _kma_items(kind: str, asked: datetime, nx: int, ny: int, seed: int, given: Json) -> list[Json]:
    if kind == "getUltraSrtNcst":
        place = {"baseDate": asked.strftime("%Y%m%d"), "baseTime": asked.strftime("%H00"), "nx": nx, "ny": ny}
        values = _weather(asked, nx, ny, seed) | given
        return [{**place, "category": category, "obsrValue": str(value)} for category, value in values.items()]
    hours = 6 if kind == "getUltraSrtFcst" else 24
    items = []
    for ahead in range(1, hours + 1):
        when = asked + timedelta(hours=ahead)
        values = _weather(when, nx, ny, seed) | given
        wet = float(values["PTY"]) > 0
        values |= {"SKY": 4 if wet else Chance(seed, "sky", when, nx, ny).pick((1, 1, 3, 4))}
        if kind == "getVilageFcst":
            values = {
                ("TMP" if key == "T1H" else "PCP" if key == "RN1" else key): value for key, value in values.items()
            }
            values |= {"POP": 80 if wet else 10}
        base = {"baseDate": asked.strftime("%Y%m%d"), "baseTime": asked.strftime("%H%M")}
        then = {"fcstDate": when.strftime("%Y%m%d"), "fcstTime": when.strftime("%H00")}
        items += [{**base, "category": c, **then, "fcstValue": str(v), "nx": nx, "ny": ny} for c, v in values.items()]
    return items


def _weather(when: datetime, nx: int, ny: int, seed: int) -> Json:
    """One hour of one cell: temperature, rain, humidity, wind. Rain falls in one hour of six."""
    chance = Chance(seed, "weather", when.strftime("%Y%m%d%H"), nx // 3, ny // 3)
    temperature = MONTHLY_C[when.month - 1] + (4 if 10 <= when.hour <= 18 else -2) + (chance.share() - 0.5) * 6
    wet = chance.share() < 1 / 6
    kind = (3 if temperature < 0 else 2 if temperature < 2 else 1) if wet else 0
    return {
        "PTY": kind,
        "REH": chance.between(75, 97) if wet else chance.between(35, 80),
        "RN1": round(chance.share() * 5 + 0.5, 1) if kind in (1, 2) else 0,
        "T1H": round(temperature, 1),
        "UUU": round((chance.share() - 0.5) * 6, 1),
        "VEC": chance.between(0, 359),
        "VVV": round((chance.share() - 0.5) * 6, 1),
        "WSD": round(chance.share() * 5, 1),
    }


def _kma_error(code: str, *, wants_json: bool) -> Response:
    """An error of the service itself: status 200, and the code in the header of the body."""
    body = {"response": {"header": {"resultCode": code, "resultMsg": KMA_RESULTS[code]}}}
    if wants_json:
        return Response(orjson.dumps(body), media_type="application/json;charset=UTF-8")
    return Response(_xml(body), media_type="application/xml;charset=UTF-8")


def _mois_item(district: str, seed: int) -> Json:
    province, days = DISTRICTS[district]
    chance = Chance(seed, "mois", district)
    return {
        "CTPV_NM": province,
        "SGG_NM": district,
        "EMD_NM": "전체",
        "EMSN_PLC_TYPE": "집 앞",
        "EMSN_PLC": "자기 집 앞 또는 지정 장소",
        "LF_WST_EMSN_MTHD": "종량제 봉투에 담아 묶어서 배출",
        "FOD_WST_EMSN_MTHD": "물기를 빼고 음식물 전용 봉투 또는 전용 용기에 배출",
        "RCYCL_EMSN_MTHD": "품목별로 투명 봉투에 담아 배출, 투명 페트병은 따로 배출",
        "BULK_WST_EMSN_MTHD": f"{district} 누리집 또는 주민센터에 신고하고 수수료를 낸 뒤 스티커를 붙여 배출",
        "LF_WST_EMSN_DOW": days,
        "RCYCL_EMSN_DOW": days,
        "EMSN_BGNG_TM": "18:00",
        "EMSN_END_TM": "24:00",
        "MNG_DEPT_NM": "청소행정과",
        "MNG_DEPT_TEL": f"02-{chance.between(300, 899)}-{chance.between(1000, 9999)}",
        "DAT_CRTR_YMD": "2026-06-30",
    }


def _keco_boxes(district: str, seed: int) -> list[Json]:
    province, _ = DISTRICTS[district]
    chance = Chance(seed, "keco", district)
    return [
        {
            "순번": 0,
            "상호명": name.format(d=district),
            "수거종류": items,
            "수거방법": method,
            "수거장소(주소)": f"{province} {district} {chance.pick(STREETS)} {chance.between(2, 320)}",
            "장소구분": kind,
            "수거비용": "무료",
        }
        for name, items, method, kind in BOXES
    ]


def _reply(exchange: Exchange, body: Json, *, as_json: bool) -> WholeReply:
    entry = exchange.open_entry("", exchange.answer.usage)
    raw = orjson.dumps(body) if as_json else _xml(body)
    media_type = "application/json;charset=UTF-8" if as_json else "application/xml;charset=UTF-8"
    return WholeReply(exchange, entry, raw, headers={}, media_type=media_type)


def _xml(body: Json) -> bytes:
    def tag(name: str, value: Any) -> str:
        if isinstance(value, list):
            return "".join(tag(name, member) for member in value)
        inner = "".join(tag(k, v) for k, v in value.items()) if isinstance(value, dict) else escape(str(value))
        return f"<{name}>{inner}</{name}>"

    return ('<?xml version="1.0" encoding="UTF-8"?>' + "".join(tag(key, value) for key, value in body.items())).encode()


def _count(text: str | None, default: int) -> int:
    return min(int(text), MAX_ROWS) if text and re.fullmatch(r"[1-9]\d{0,5}", text) else default
