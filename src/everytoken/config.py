"""The one table of settings: argument over environment (`EVERYTOKEN_…`) over default. Nothing else reads it."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_PORT = 8700


class Settings(BaseSettings):
    """Settings of the server half. Each field's description is its line in the reference."""

    model_config = SettingsConfigDict(env_prefix="EVERYTOKEN_", extra="ignore")

    data: Path = Field(
        default=Path("~/.everytoken"), description="Folder of the journal, the ledger and the control data."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on. Other than loopback needs an API key.")
    port: int = Field(default=DEFAULT_PORT, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    otlp_grpc_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Port for OTLP/gRPC, usually 4317; not listened on unless set. Needs the extra `grpc`.",
    )
    log_level: str = Field(default="warning", description="Least severe log line that is written to stderr.")
    flush_interval_ms: int = Field(
        default=250,
        ge=10,
        description="Wait of an accepted run before reads see it; up to a second while so many come that "
        "writing each so soon would take more than a tenth of the time.",
    )
    journal_max_bytes: int = Field(
        default=2 * 1024**3, ge=1024**2, description="Journal size at which ingest answers 503."
    )
    decode_apart: bool = Field(
        default=True, description="Decode in a second process while runs come fast, where there are two cores."
    )
    body_max_bytes: int = Field(
        default=64 * 1024**2, ge=1024, description="Largest decoded request body; beyond it, 413."
    )
    memory_max_bytes: int = Field(default=1024**3, ge=64 * 1024**2, description="Memory the embedded engine may take.")
    clickhouse_url: str | None = Field(
        default=None,
        repr=False,
        description="ClickHouse for the ledger, `http://user:password@host:8123/database` (or `https`): several "
        "servers share it. Without it, the embedded engine in the data folder.",
    )
    clickhouse_cluster: str | None = Field(
        default=None,
        pattern=r"^[\w.{}-]{1,64}$",
        description="Name of the ClickHouse cluster whose shards and replicas hold the ledger.",
    )
    database_url: str | None = Field(
        default=None,
        repr=False,
        description="PostgreSQL for the control data, `postgresql://user:password@host:5432/database`: several servers "
        "share it. Without it, SQLite in the data folder.",
    )
    admin_key: str | None = Field(
        default=None,
        min_length=24,
        repr=False,
        description="A key that may do everything, given from outside: for containers, to make all other keys with.",
    )
    allowed_hosts: str = Field(
        default="",
        description="Names under which browsers reach the server, separated by commas; `*` for any. Needed behind a "
        "proxy while there is no key.",
    )
    trusted_proxies: str = Field(
        default="127.0.0.1",
        description="Addresses or networks of proxies, separated by commas, whose `X-Forwarded-For` says who calls: "
        "wrong passwords are counted by it.",
    )
    key_requests_per_minute: int | None = Field(
        default=None, ge=1, description="Most requests a minute with one key that has no limit of its own; then 429."
    )
    estimate: bool = Field(
        default=False,
        description="Estimate calls that told no usage, outside of all that is billed. Needs the extra `estimate`.",
    )
    content_retention_days: int | None = Field(
        default=None,
        ge=1,
        le=36_500,
        description="Days after which a run's content is dropped and its charges stay, where its project says nothing. "
        "Without it, content is kept.",
    )
    charge_retention_days: int | None = Field(
        default=None,
        ge=1,
        le=36_500,
        description="Days after which runs and charges are dropped altogether, where their project says nothing. "
        "Without it, they are kept.",
    )
    retention_interval_s: float = Field(
        default=3_600, ge=1, description="How often what is past its retention is looked for."
    )
    base_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Where people reach the page, for the links of alerts. Without it, the address listened on.",
    )
    alert_hosts: str = Field(
        default="",
        description="Hosts with private or loopback addresses that alerts may be sent to, separated by commas; `*` for "
        "any. Public addresses need no mention.",
    )
    alert_delay_s: int = Field(
        default=30,
        ge=0,
        le=3600,
        description="How long after an instant it is judged by alerts, so that calls that just ended are in.",
    )
    alert_language: Literal["en", "ko"] = Field(
        default="en", description="Language in which alerts are written to webhooks, Slack and mail: `en` or `ko`."
    )
    smtp_url: str | None = Field(
        default=None,
        pattern=r"^smtps?://",
        repr=False,
        description="Mail server for alerts, `smtp://user:password@host:587` (STARTTLS where offered; with a password, "
        "demanded) or `smtps://…:465`.",
    )
    smtp_from: str = Field(default="everytoken@localhost", description="Sender of the mails of alerts.")
    prices: Path | None = Field(default=None, description="TOML file with price overrides.")
    agent_url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        description="Base URL of a chat agent, such as the demo's, that the page talks to under this server's origin.",
    )
    agent_project: str = Field(default="default", description="Project that the agent's traces go to.")

    @property
    def data_dir(self) -> Path:
        return self.data.expanduser()
