"""Where the user is, or says to be."""

import re

from eco2.state import ChatState

_NEAR = re.compile(r"근처|주변|인근|가까운|가까이|여기|내 위치|우리 동네|우리 집")
_NAMED = re.compile(
    r"([가-힣A-Za-z0-9]+(?:역|동|구|시|군|읍|면|대|대학교|학교|공원|시장|터미널|사거리|청|백화점|아파트))"
    r"(?:에서|에|의)?\s*(?:근처|주변|인근|가까|앞|쪽)"
)
_NOT_NAMES = frozenset({"혹시", "다시", "역시", "잠시", "친구", "지구", "그대", "최대", "절대", "우리동", "이동"})
_DISTRICT = re.compile(r"([가-힣]{1,4}(?:구|군))(?=[\s에의은는이가,.?]|$)")
_NOT_DISTRICTS = frozenset({"가구", "전구", "기구", "도구", "친구", "지구", "문구", "공구", "대구"})


def asks_nearby(message: str) -> bool:
    """Whether the message means the surroundings of a place without saying which."""
    named = [name for name in _NAMED.findall(message) if name not in _NOT_NAMES]
    return bool(_NEAR.search(message)) and not named


def coordinates(state: ChatState) -> tuple[float, float] | None:
    """Latitude and longitude as the client sent them; 0 is a coordinate like any other."""
    where = state.get("user_location") or {}
    latitude, longitude = where.get("latitude"), where.get("longitude")
    return None if latitude is None or longitude is None else (latitude, longitude)


def district_of(state: ChatState) -> str | None:
    """The 구 or 군 that the message or the user's address names."""
    text = f"{state.get('message', '')} {(state.get('user_location') or {}).get('address', '')}"
    return next((name for name in _DISTRICT.findall(text) if name not in _NOT_DISTRICTS), None)
