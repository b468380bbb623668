"""Rules as they are kept: to JSON and back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from everytoken.alerts.rules import Rule, Target
from everytoken.query.measures import Scope
from everytoken.store.alerts import RuleRow


def row_of(rule: Rule) -> RuleRow:
    body = {
        "name": rule.name,
        "kind": rule.kind,
        "window": rule.window,
        "limit": format(rule.limit, "f"),
        "scope": [rule.scope.by, rule.scope.key],
        "min_calls": rule.min_calls,
        "levels": list(rule.levels),
        "targets": [[t.target_id, t.kind, t.address, t.secret] for t in rule.targets],
        "enabled": rule.enabled,
        "created_by": rule.created_by,
    }
    return RuleRow(rule.rule_id, rule.project, rule.revision, body, rule.created_us)


def rule_of(row: RuleRow) -> Rule:
    body: Mapping[str, Any] = row.body
    return Rule(
        rule_id=row.rule_id,
        project=row.project,
        name=body["name"],
        kind=body["kind"],
        window=body["window"],
        limit=Decimal(body["limit"]),
        scope=Scope(*body["scope"]),
        min_calls=body["min_calls"],
        levels=tuple(body["levels"]),
        targets=tuple(
            Target(target_id=target_id, kind=kind, address=address, secret=secret)
            for target_id, kind, address, secret in body["targets"]
        ),
        enabled=body["enabled"],
        revision=row.revision,
        created_us=row.created_us,
        created_by=body["created_by"],
    )
