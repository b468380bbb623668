"""Feedback, documents, and what is told about a project."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "project_details",
        sa.Column("project_id", sa.String(36), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "feedback",
        sa.Column("feedback_id", sa.String(36), primary_key=True),
        sa.Column("run_id", sa.String(36)),
        sa.Column("session_id", sa.String(36)),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("score", sa.Float),
        sa.Column("value", sa.Text),
        sa.Column("comment", sa.Text),
        sa.Column("source", sa.String),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("modified_us", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "documents",
        sa.Column("kind", sa.String, primary_key=True),
        sa.Column("document_id", sa.String, primary_key=True),
        sa.Column("subject", sa.String),
        sa.Column("body", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_feedback_run", "feedback", ["run_id"], if_not_exists=True)
    op.create_index("ix_feedback_key", "feedback", ["key", "run_id"], if_not_exists=True)
    op.create_index("ix_document_subject", "documents", ["kind", "subject"], if_not_exists=True)
