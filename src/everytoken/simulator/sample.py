"""Values that fit a JSON schema: how a simulated model fills in structured output and function arguments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from everytoken.simulator.chance import Chance

MAX_DEPTH = 12
"""Deeper parts of a schema that refers to itself are left empty."""
MAX_ITEMS = 20


@dataclass(frozen=True, slots=True)
class Said:
    """What the user said, and which words in it mean which value of which property."""

    text: str
    vocabulary: Mapping[str, Mapping[Any, tuple[str, ...]]] = field(default_factory=dict)

    def about(self, name: str) -> Any:
        """The value the message gives a property, or None."""
        meanings = self.vocabulary.get(name, {})
        return next((value for value, words in meanings.items() if any(word in self.text for word in words)), None)


def sample(schema: Mapping[str, Any], said: Said, chance: Chance, given: Any = None) -> Any:
    """A value that fits `schema`, in JSON Schema or Gemini's spelling of it.

    Args:
        said: free texts repeat it, enums prefer a member that stands in it.
        given: laid over the value where the schema has room for it.
    """
    return _Sampler(schema, said, chance).value(schema, given, 0)


class _Sampler:
    def __init__(self, root: Mapping[str, Any], said: Said, chance: Chance) -> None:
        self._root = root
        self._said = said
        self._chance = chance

    def value(self, schema: Mapping[str, Any], given: Any, depth: int) -> Any:
        schema = self._resolve(schema, given)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return self._member(schema["enum"], given)
        match _type(schema):
            case "object":
                return self._object(schema, given, depth)
            case "array":
                return self._array(schema, given, depth)
            case kind:
                return self._scalar(kind, schema, given)

    def _scalar(self, kind: str, schema: Mapping[str, Any], given: Any) -> Any:
        match kind:
            case "string":
                return given if isinstance(given, str) else self._text(schema)
            case "integer":
                return given if _is_number(given) and given == int(given) else round(self._number(schema, 1.0, 10.0))
            case "number":
                return given if _is_number(given) else round(self._number(schema, 0.8, 0.99), 2)
            case "boolean":
                return given if isinstance(given, bool) else self._chance.share() < 0.5
            case _:
                return given

    def _resolve(self, schema: Mapping[str, Any], given: Any) -> Mapping[str, Any]:
        for _ in range(MAX_DEPTH):
            if isinstance(schema.get("$ref"), str):
                schema = self._refer(schema["$ref"])
            elif options := schema.get("anyOf") or schema.get("oneOf") or schema.get("any_of"):
                real = [option for option in options if _type(option) != "null"]
                if given is None and len(real) < len(options):
                    return {"type": "null"}  # what the user didn't say stays empty
                schema = (real or options)[0]
            elif schema.get("allOf"):
                schema = schema["allOf"][0]
            else:
                break
        return schema

    def _refer(self, reference: str) -> Mapping[str, Any]:
        target: Any = self._root
        for part in reference.removeprefix("#/").split("/"):
            target = target.get(part, {}) if isinstance(target, Mapping) else {}
        return target if isinstance(target, Mapping) else {}

    def _object(self, schema: Mapping[str, Any], given: Any, depth: int) -> dict[str, Any]:
        if depth >= MAX_DEPTH:
            return {}
        told = given if isinstance(given, Mapping) else {}
        properties = schema.get("properties", {})
        if not properties:
            return dict(told)
        known = {key: told[key] if key in told else self._said.about(key) for key in properties}
        # Where the schema says what is required, the rest is left out unless it is known.
        required = schema.get("required", properties)
        wanted = [key for key in properties if key in required or key in told or known[key] is not None]
        return {key: self.value(properties[key], known[key], depth + 1) for key in wanted}

    def _array(self, schema: Mapping[str, Any], given: Any, depth: int) -> list[Any]:
        items = schema.get("items", {})
        least = int(schema.get("minItems", 0))
        told: Sequence[Any] = given if isinstance(given, list) else [None] * min(least, MAX_ITEMS)
        return [self.value(items, member, depth + 1) for member in told] if depth < MAX_DEPTH else []

    def _member(self, members: Sequence[Any], given: Any) -> Any:
        if given in members:
            return given
        said = [member for member in members if isinstance(member, str) and member and member in self._said.text]
        return said[0] if said else self._chance.pick(members)

    def _text(self, schema: Mapping[str, Any]) -> str:
        return self._said.text[: min(int(schema.get("maxLength", 60)), 60)].strip() or "페트병"

    def _number(self, schema: Mapping[str, Any], low: float, high: float) -> float:
        low = float(schema.get("minimum", schema.get("exclusiveMinimum", low)))
        high = max(low, min(float(schema.get("maximum", schema.get("exclusiveMaximum", max(low, high)))), low + 100))
        return low + (high - low) * self._chance.share()


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if "properties" in schema else "")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    return str(kind).lower()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
