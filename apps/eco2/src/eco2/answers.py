"""The forms in which models answer: each class is the JSON schema a model is given, and the check of what it sends."""

from typing import Literal

from pydantic import BaseModel, Field

from eco2.llm import Function
from eco2.state import INTENTS


class IntentQuery(BaseModel):
    intent: str = Field(description="의도 이름")
    query: str = Field(description="메시지 가운데 그 의도에 해당하는 부분")


class IntentAnswer(BaseModel):
    intent: str = Field(description="가장 먼저 답해야 할 의도", json_schema_extra={"enum": list(INTENTS)})
    confidence: float = Field(default=0.0, ge=0.0, le=1.0, description="확신의 정도, 0과 1 사이")
    additional_intents: list[str] = Field(default=[], description="그 밖에 함께 요청한 의도들, 없으면 빈 목록")
    queries: list[IntentQuery] = Field(default=[], description="의도가 여럿일 때 의도마다 해당하는 부분")


class VisionAnswer(BaseModel):
    major_category: str = Field(description="대분류")
    middle_category: str = Field(default="", description="중분류, 재질")
    minor_category: str = Field(default="", description="물건 이름")
    situation_tags: list[str] = Field(default=[], description="눈에 보이는 상태")
    confidence: float = Field(default=0.0, ge=0.0, le=1.0, description="확신의 정도, 0과 1 사이")


class GradeAnswer(BaseModel):
    score: float = Field(ge=0.0, le=1.0, description="규칙이 질문에 맞는 정도, 0과 1 사이")


class PlaceSearch(BaseModel):
    query: str = Field(description="지도에서 찾을 말. 지역 이름과 찾는 것을 함께 적습니다. 예: 강남역 분리수거함")
    search_type: Literal["keyword", "category"] = Field(default="keyword", description="낱말로 찾을지, 업종으로 찾을지")
    category_code: str | None = Field(default=None, description="업종 코드. 예: MT1 대형마트, CS2 편의점, PM9 약국")
    radius: int = Field(default=5000, ge=1, le=20000, description="찾을 반경, 미터")


class BulkWasteSearch(BaseModel):
    item_name: str = Field(description="버리려는 큰 물건의 이름. 예: 3인용 소파")
    region: str | None = Field(default=None, description="시·군·구 이름. 메시지에 없으면 비웁니다.")


class PriceSearch(BaseModel):
    material: Literal["paper", "plastic", "metal", "glass"] = Field(description="재활용품의 종류")
    detail_type: str | None = Field(default=None, description="세부 품목. 예: 신문지, 골판지, 압축 페트, 철캔")
    region: str | None = Field(default=None, description="지역 이름. 예: 수도권, 부산")


class WeatherSearch(BaseModel):
    needs_weather: bool = Field(description="답하는 데 날씨가 도움이 되면 true")
    waste_category: str | None = Field(default=None, description="버리려는 것의 종류. 예: 종이, 음식물")
    place: str | None = Field(default=None, description="날씨를 알고 싶은 곳. 메시지에 없으면 비웁니다.")


class CollectionPointSearch(BaseModel):
    item_type: Literal["clothes", "battery", "fluorescent_lamp", "phone"] = Field(description="수거함에 넣을 것")
    search_radius_km: float = Field(default=2.0, gt=0, le=20, description="찾을 반경, 킬로미터")
    place: str | None = Field(default=None, description="찾을 지역 이름. 메시지에 없으면 비웁니다.")


SEARCH_PLACE = Function("search_kakao_place", "카카오맵에서 장소를 찾습니다.", PlaceSearch)
SEARCH_BULK_WASTE = Function("search_bulk_waste_info", "대형폐기물의 배출 방법과 수수료를 찾습니다.", BulkWasteSearch)
GET_PRICE = Function("get_recyclable_price", "재활용품의 시세를 찾습니다.", PriceSearch)
GET_WEATHER = Function("get_weather", "지금의 날씨를 찾습니다.", WeatherSearch)
FIND_COLLECTION_POINTS = Function("find_collection_points", "전용 수거함의 위치를 찾습니다.", CollectionPointSearch)
