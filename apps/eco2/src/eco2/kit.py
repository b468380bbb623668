"""What the nodes work with: models, services and tables, made once a process and handed to every node."""

from collections.abc import Mapping
from dataclasses import dataclass

from eco2.llm import ChatModel, Painter
from eco2.services.images import Images
from eco2.services.kakao import KakaoLocal
from eco2.services.kma import KmaWeather
from eco2.services.public_data import CollectionPoints, HouseholdWaste
from eco2.settings import ProviderName, Settings
from eco2.tables import Characters, Disposal, Fees, ScrapPrices
from eco2.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    settings: Settings
    telemetry: Telemetry
    models: Mapping[ProviderName, ChatModel]
    painter: Painter | None
    """`None` when no key for the image model is set: a wish for a picture is then declined."""
    kakao: KakaoLocal
    kma: KmaWeather
    mois: HouseholdWaste
    keco: CollectionPoints
    images: Images
    disposal: Disposal
    characters: Characters
    fees: Fees
    prices: ScrapPrices

    def chat(self, node: str) -> ChatModel:
        """The model that serves a node."""
        return self.models[self.settings.node_providers.get(node, self.settings.provider)]
