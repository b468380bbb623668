"""The one table of settings: argument over environment over default. Nothing else reads the environment."""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ProviderName = Literal["openai", "google"]


def _key(*names: str) -> SecretStr:
    """A credential under the name its provider documents; empty when not set."""
    secret: SecretStr = Field(default=SecretStr(""), validation_alias=AliasChoices(*names))
    return secret


def _url(default: str, *names: str) -> str:
    url: str = Field(default=default, validation_alias=AliasChoices(*names))
    return url


class Settings(BaseSettings):
    """What an operator may change. Keys and base URLs keep the names of the services they belong to."""

    model_config = SettingsConfigDict(env_prefix="ECO2_", extra="ignore", populate_by_name=True)

    provider: ProviderName = Field(default="openai", description="Provider that serves the graph.")
    node_providers: dict[str, ProviderName] = Field(default={}, description="Exceptions, node → provider, as JSON.")
    openai_model: str = "gpt-5.2"
    google_model: str = "gemini-3-flash-preview"
    image_model: str = "gemini-3-pro-image-preview"
    image_generation: bool = Field(default=True, description="False: a wish for a picture is declined, not drawn.")
    grader: bool = Field(default=False, description="True: a model grades a weak rule hit before the fallback.")

    multi_intent: bool = Field(default=True, description="Follow the further intents of one message.")
    enrichment: bool = Field(default=True, description="Add the nodes that always help a given intent.")
    conditional: bool = Field(default=True, description="Add weather and web search when the message calls for them.")

    summarize: bool = Field(default=True, description="Keep long conversations within the model's window.")
    summary_trigger_tokens: int | None = Field(
        default=None, ge=1, description="Estimated history tokens that start a summary; default: the model's window."
    )
    summary_keep_messages: int = Field(default=80, ge=2, description="Latest messages a summary leaves as they are.")

    checkpoints: Path | None = Field(default=None, description="SQLite file for conversations; default: memory.")
    images_dir: Path = Field(default=Path("~/.eco2/images"), description="Folder of generated pictures.")
    public_url: str = Field(default="", description="Base of the links to generated pictures; default: file paths.")
    private_image_links: bool = Field(default=False, description="True: links into private networks may be opened.")
    environment: str = Field(default="local", description="Value of the `env:` tag, such as production.")
    message_max_chars: int = Field(default=100_000, ge=1, description="A longer message is refused.")
    input_timeout_s: float = Field(default=60, gt=0, description="How long a turn waits for a place it asked for.")

    openai_api_key: SecretStr = _key("OPENAI_API_KEY")
    openai_base_url: str = _url("https://api.openai.com/v1", "OPENAI_BASE_URL")
    google_api_key: SecretStr = _key("GOOGLE_API_KEY", "GEMINI_API_KEY")
    google_base_url: str = _url(
        "https://generativelanguage.googleapis.com", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_BASE_URL"
    )
    kakao_api_key: SecretStr = _key("KAKAO_REST_API_KEY")
    kakao_base_url: str = _url("https://dapi.kakao.com", "KAKAO_BASE_URL")
    kma_api_key: SecretStr = _key("KMA_API_KEY")
    kma_base_url: str = _url("https://apis.data.go.kr/1360000/VilageFcstInfoService_2.0", "KMA_BASE_URL")
    mois_api_key: SecretStr = _key("MOIS_WASTE_API_KEY", "MOIS_API_KEY")
    mois_base_url: str = _url("https://apis.data.go.kr/1741000/household_waste_info", "MOIS_BASE_URL")
    keco_api_key: SecretStr = _key("KECO_API_KEY")
    keco_base_url: str = _url("https://api.odcloud.kr/api", "KECO_BASE_URL")
