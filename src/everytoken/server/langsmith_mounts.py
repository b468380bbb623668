"""Where LangSmith's read routes are mounted: v1 wherever its clients look, v2 under both of its spellings."""

from collections.abc import Sequence

from fastapi import FastAPI

from everytoken.server.feedback import feedback_router
from everytoken.server.feedback_configs import feedback_configs_router
from everytoken.server.feedback_tokens import feedback_tokens_router
from everytoken.server.langsmith_attachments import attachments_router
from everytoken.server.langsmith_context import LangSmith
from everytoken.server.langsmith_prices import prices_router
from everytoken.server.langsmith_read import langsmith_read_router
from everytoken.server.langsmith_sessions import langsmith_sessions_router
from everytoken.server.langsmith_sessions_v2 import sessions_v2_router
from everytoken.server.langsmith_threads import groups_router, threads_router
from everytoken.server.langsmith_unserved import MOUNTS, unserved_at_root, unserved_router
from everytoken.server.langsmith_v2 import langsmith_v2_router, shares_v2_router
from everytoken.server.sharing import sharing_router, thread_sharing_router

V1 = (
    langsmith_read_router, groups_router, langsmith_sessions_router, feedback_tokens_router,
    feedback_router, feedback_configs_router, sharing_router, prices_router, attachments_router,
)  # fmt: skip
V2 = (langsmith_v2_router, sessions_v2_router, threads_router, thread_sharing_router, shares_v2_router)
V2_MOUNTS = ("/api/v2", "/v2")


def mount_langsmith_reads(app: FastAPI, use: LangSmith, v1_mounts: Sequence[str]) -> None:
    """Register every read route, and last an answer to all else that these clients may ask."""
    for mount in v1_mounts:
        for build in V1:
            app.include_router(build(use), prefix=mount)
    for mount in V2_MOUNTS:
        for build in V2:
            app.include_router(build(use), prefix=mount)
    app.include_router(unserved_at_root())
    for mount in MOUNTS:
        app.include_router(unserved_router(), prefix=mount)
