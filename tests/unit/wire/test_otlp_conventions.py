"""What each convention writes on a span, and the run and the billed request that it stands for."""

import json
from typing import Any

import pytest
from tests.unit.wire.otlp_requests import START_US, event, evidence, operation, run

from everytoken.core.extract import evidence_of
from everytoken.wire.otlp_run import run_type_of


@pytest.mark.parametrize(
    ("attributes", "run_type"),
    [
        ({}, "chain"),
        ({"langsmith.span.kind": "retriever", "gen_ai.operation.name": "chat"}, "retriever"),
        ({"langsmith.span.kind": "LLM"}, "llm"),
        ({"langsmith.span.kind": "unheard", "gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": "chat", "openinference.span.kind": "TOOL"}, "llm"),
        ({"gen_ai.operation.name": "text_completion"}, "llm"),
        ({"gen_ai.operation.name": "generate_content"}, "llm"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"gen_ai.operation.name": "invoke_agent"}, "chain"),
        ({"gen_ai.operation.name": "own", "llm.request.type": "chat"}, "llm"),
        ({"llm.request.type": "embedding"}, "embedding"),
        ({"openinference.span.kind": "LLM"}, "llm"),
        ({"openinference.span.kind": "AGENT"}, "chain"),
        ({"openinference.span.kind": "RERANKER"}, "chain"),
        ({"openinference.span.kind": "RETRIEVER"}, "retriever"),
        ({"traceloop.span.kind": "workflow"}, "chain"),
        ({"traceloop.span.kind": "tool"}, "tool"),
        ({"ai.operationId": "ai.generateText"}, "chain"),
        ({"ai.operationId": "ai.generateText.doGenerate"}, "llm"),
        ({"ai.operationId": "ai.streamObject.doStream"}, "llm"),
        ({"ai.operationId": "ai.embedMany.doEmbed"}, "embedding"),
        ({"ai.operationId": "ai.toolCall"}, "tool"),
        ({"gen_ai.tool.name": "weather"}, "tool"),
        ({"langsmith.span.kind": 3, "gen_ai.operation.name": ["chat"]}, "chain"),
    ],
)
def test_the_first_convention_that_says_so_names_the_type(attributes: dict[str, Any], run_type: str) -> None:
    assert run_type_of(attributes) == run_type


class TestUsage:
    """Exact counts of one request, by the names of each convention."""

    @pytest.mark.parametrize(
        "names",
        [
            ("input_tokens", "output_tokens", "gen_ai.provider.name"),
            ("prompt_tokens", "completion_tokens", "gen_ai.system"),
        ],
    )
    def test_the_genai_conventions_new_and_old(self, names: tuple[str, str, str]) -> None:
        told = evidence(
            {
                "gen_ai.operation.name": "chat",
                names[2]: "openai",
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
                "gen_ai.response.id": "chatcmpl-1",
                f"gen_ai.usage.{names[0]}": 1000,
                f"gen_ai.usage.{names[1]}": 100,
                "gen_ai.usage.cache_read.input_tokens": 400,
                "gen_ai.usage.reasoning.output_tokens": 60,
            }
        )
        assert told.usage is not None
        assert (told.usage.input_tokens, told.usage.output_tokens) == (1000, 100)
        assert told.usage.input_token_details == {"cache_read": 400}
        assert told.usage.output_token_details == {"reasoning": 60}
        assert told.usage.source == "provider"
        assert (told.provider, told.request_model, told.response_model, told.response_id, told.call_path) == (
            "openai",
            "gpt-4o-mini",
            "gpt-4o-mini-2024-07-18",
            "chatcmpl-1",
            "openai.chat",
        )

    def test_the_responses_api_and_a_stream_are_call_paths_of_their_own(self) -> None:
        told = evidence(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "openai.api.type": "responses",
                "gen_ai.request.stream": True,
                "gen_ai.usage.input_tokens": 5,
                "gen_ai.usage.output_tokens": 2,
            }
        )
        assert told.call_path == "openai.responses.stream"

    def test_openinference(self) -> None:
        told = evidence(
            {
                "openinference.span.kind": "LLM",
                "llm.provider": "google",
                "llm.model_name": "gemini-2.5-flash",
                "llm.token_count.prompt": 30,
                "llm.token_count.completion": 100,
                "llm.token_count.total": 130,
                "llm.token_count.completion_details.reasoning": 64,
                "llm.token_count.prompt_details.cache_read": 10,
            }
        )
        assert told.usage is not None
        assert (told.usage.input_tokens, told.usage.output_tokens) == (30, 100)
        assert told.usage.output_token_details == {"reasoning": 64}
        assert told.usage.input_token_details == {"cache_read": 10}
        assert (told.provider, told.request_model, told.call_path) == ("google", "gemini-2.5-flash", "gemini.generate")

    def test_openinferences_whole_response_names_its_api_and_its_searches(self) -> None:
        response = {"object": "response", "id": "resp_1", "output": [{"type": "web_search_call", "id": "ws_1"}]}
        told = evidence(
            {
                "openinference.span.kind": "LLM",
                "llm.provider": "openai",
                "llm.model_name": "gpt-5",
                "llm.output_messages.0.message.content": "x",
                "output.value": json.dumps(response),
                "llm.token_count.prompt": 30,
                "llm.token_count.completion": 10,
            }
        )
        assert (told.call_path, told.response_id) == ("openai.responses", "resp_1")
        assert told.usage is not None
        assert {name: str(n) for name, n in told.usage.meters.items()} == {"web_search": "1"}

    def test_openllmetry_leaves_anthropics_cache_out_of_the_input(self) -> None:
        told = evidence(
            {
                "llm.request.type": "chat",
                "gen_ai.system": "Anthropic",
                "gen_ai.request.model": "claude-sonnet-4-5",
                "gen_ai.usage.prompt_tokens": 100,
                "gen_ai.usage.completion_tokens": 50,
                "gen_ai.usage.cache_read_input_tokens": 2000,
                "llm.usage.total_tokens": 2150,
            }
        )
        assert told.usage is not None
        assert (told.usage.input_tokens, told.usage.output_tokens) == (2100, 50)
        assert told.provider == "anthropic"

    def test_langsmiths_json_text_is_preferred_to_its_other_attributes(self) -> None:
        usage = {
            "input_tokens": 500,
            "output_tokens": 50,
            "total_tokens": 550,
            "input_token_details": {"cache_read": 200},
        }
        told = evidence(
            {
                "langsmith.span.kind": "llm",
                "gen_ai.system": "langchain",
                "gen_ai.request.model": "gpt-4o",
                "langsmith.metadata.usage_metadata": json.dumps(usage),
                "gen_ai.usage.input_tokens": 500,
                "gen_ai.usage.output_tokens": 50,
                "gen_ai.usage.input_token_details": "{'cache_read': 200}",
            }
        )
        assert told.usage is not None
        assert told.usage.input_token_details == {"cache_read": 200}
        assert (told.provider, told.place) == ("openai", "otel.langsmith")

    def test_our_own_entry_survives_langsmiths_opentelemetry_mode(self) -> None:
        entry = {"usage": {"input_tokens": 9, "output_tokens": 4}, "response_id": "resp_9", "layer": "transport"}
        told = evidence({"langsmith.span.kind": "llm", "langsmith.metadata.everytoken": json.dumps(entry)})
        assert told.usage is not None
        assert (told.usage.input_tokens, told.response_id, told.layer) == (9, "resp_9", "transport")

    def test_vercels_inner_span_is_the_request(self) -> None:
        told = evidence(
            {
                "ai.operationId": "ai.streamText.doStream",
                "ai.model.id": "claude-sonnet-4-5",
                "ai.model.provider": "anthropic.messages",
                "ai.usage.inputTokens": 1200,
                "ai.usage.outputTokens": 80,
                "ai.usage.totalTokens": 1280,
                "ai.usage.cachedInputTokens": 1000,
                "ai.usage.reasoningTokens": 30,
                "ai.response.msToFirstChunk": 250.5,
            }
        )
        assert told.usage is not None
        assert (told.usage.input_tokens, told.usage.output_tokens) == (1200, 80)
        assert told.usage.input_token_details == {"cache_read": 1000}
        assert told.usage.output_token_details == {"reasoning": 30}
        assert (told.provider, told.request_model) == ("anthropic", "claude-sonnet-4-5")

    def test_vercels_older_names_and_its_embeddings(self) -> None:
        older = evidence(
            {
                "ai.operationId": "ai.generateText.doGenerate",
                "gen_ai.system": "openai.responses",
                "gen_ai.request.model": "gpt-4o",
                "ai.usage.promptTokens": 7,
                "ai.usage.completionTokens": 3,
            }
        )
        assert older.usage is not None
        assert (older.usage.input_tokens, older.usage.output_tokens) == (7, 3)
        assert (older.provider, older.call_path) == ("openai", "openai.responses")
        embedded = evidence({"ai.operationId": "ai.embed.doEmbed", "ai.usage.tokens": 8, "ai.model.id": "x"})
        assert embedded.usage is not None
        assert (embedded.usage.input_tokens, embedded.usage.source) == (8, "provider")

    def test_a_model_span_without_usage_is_a_request_whose_usage_is_missing(self) -> None:
        told = evidence({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"})
        assert told.usage is None
        assert told.request_model == "gpt-4o"

    def test_a_span_that_is_no_request_tells_of_none(self) -> None:
        assert evidence_of(run({"http.method": "GET", "openinference.span.kind": "CHAIN"})) == ()


class TestErrors:
    RAISED = event(
        "exception",
        {
            "exception.type": "openai.RateLimitError",
            "exception.message": "429",
            "exception.stacktrace": "Traceback: ...",
        },
    )

    def test_an_exception_is_told_with_its_stack_trace(self) -> None:
        one = operation({}, events=[self.RAISED], status={"code": 2, "message": "ignored"})
        assert one.body["error"] == "RateLimitError: 429\n\nTraceback: ..."
        assert one.body["status"] == "error"

    def test_an_exception_without_a_status_is_an_error_too(self) -> None:
        assert operation({}, events=[self.RAISED]).body["status"] == "error"

    def test_an_exception_in_a_span_that_says_it_went_well_was_handled(self) -> None:
        one = operation({}, events=[self.RAISED], status={"code": 1})
        assert "error" not in one.body
        assert one.body["status"] == "success"

    def test_a_status_without_an_exception_is_its_message(self) -> None:
        assert operation({}, status={"code": 2, "message": "timed out"}).body["error"] == "timed out"
        silent = operation({}, status={"code": "STATUS_CODE_ERROR"})
        assert silent.body["error"] == "the span ended with the status error"

    def test_a_graph_interrupt_is_no_failure(self) -> None:
        raised = {"exception.type": "langgraph.errors.GraphInterrupt", "exception.message": "(Interrupt(value=1),)"}
        assert run({}, events=[event("exception", raised)]).status == "interrupted"
        wrapped = {"exception.type": "Exception", "exception.message": "GraphInterrupt((Interrupt(value=1),))"}
        assert run({}, events=[event("exception", wrapped)], status={"code": 2}).status == "interrupted"


class TestFirstToken:
    @pytest.mark.parametrize(
        ("attributes", "events", "after_us"),
        [
            ({}, [event("new_token", after_ms=40), event("new_token", after_ms=90)], 40_000),
            ({}, [event("gen_ai.content.completion.chunk", after_ms=30)], 30_000),
            ({"gen_ai.response.time_to_first_chunk": 0.25}, [], 250_000),
            ({"ai.response.msToFirstChunk": 120}, [event("ai.stream.firstChunk", after_ms=125)], 125_000),
            ({"ai.response.msToFirstChunk": 120.5}, [], 120_500),
        ],
    )
    def test_it_is_read_from_events_or_from_the_wait(
        self, attributes: dict[str, Any], events: list[dict[str, Any]], after_us: int
    ) -> None:
        assert operation(attributes, events=events).body["first_token_us"] == START_US + after_us

    def test_nonsense_says_nothing(self) -> None:
        assert "first_token_us" not in operation({"gen_ai.response.time_to_first_chunk": -1.0}).body
        assert "first_token_us" not in operation({"ai.response.msToFirstChunk": True}).body


class TestMetadata:
    def test_names_that_others_use_are_translated(self) -> None:
        metadata = operation(
            {
                "session.id": "s-1",
                "gen_ai.conversation.id": "c-1",
                "enduser.id": "u-1",
                "langsmith.metadata.langgraph_node": "router",
                "langsmith.metadata.ls_invocation_params": '{"a": [1]}',
                "traceloop.association.properties.plan": "pro",
                "ai.telemetry.metadata.tier": 2,
                "metadata": '{"thread_id": "t-1", "plan": "overwritten"}',
                "gen_ai.provider.name": "openai",
                "gen_ai.response.model": "gpt-4o-2024-08-06",
            }
        ).body["metadata"]
        expected = {
            "session_id": "s-1",
            "conversation_id": "c-1",
            "user_id": "u-1",
            "langgraph_node": "router",
            "ls_invocation_params": {"a": [1]},
            "plan": "pro",
            "tier": 2,
            "thread_id": "t-1",
            "ls_provider": "openai",
            "ls_model_name": "gpt-4o-2024-08-06",
        }
        assert {key: metadata[key] for key in expected} == expected

    def test_what_the_application_set_itself_is_not_replaced(self) -> None:
        told = {
            "langsmith.metadata.session_id": "mine",
            "langsmith.metadata.ls_provider": "azure",
            "langsmith.metadata.ls_model_name": "gpt-4o",
            "session.id": "other",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "deployment-7",
        }
        metadata = operation(told).body["metadata"]
        assert (metadata["session_id"], metadata["ls_provider"], metadata["ls_model_name"]) == (
            "mine",
            "azure",
            "gpt-4o",
        )

    def test_tags_come_as_a_list_or_with_commas(self) -> None:
        assert operation({"langsmith.span.tags": "a, b,"}).body["tags"] == ("a", "b")
        assert operation({"tag.tags": ["x", 3, "y"]}).body["tags"] == ("x", "y")
        assert "tags" not in operation({"langsmith.span.tags": 7}).body

    @pytest.mark.parametrize(
        ("attributes", "name"),
        [
            ({}, "span 2"),
            ({"langsmith.trace.name": "mine", "traceloop.span.kind": "task", "traceloop.entity.name": "other"}, "mine"),
            ({"traceloop.span.kind": "workflow", "traceloop.entity.name": "joke"}, "joke"),
            ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather"}, "weather"),
            ({"gen_ai.operation.name": "chat", "gen_ai.tool.name": "weather"}, "span 2"),
        ],
    )
    def test_the_name_is_the_entitys_before_the_spans(self, attributes: dict[str, Any], name: str) -> None:
        assert operation(attributes).body["name"] == name

    def test_a_span_without_a_name_still_has_one(self) -> None:
        assert operation({}, name="").body["name"] == "unnamed span"

    def test_parameters_of_the_call_are_kept_together(self) -> None:
        extra = operation(
            {
                "gen_ai.request.temperature": 0.5,
                "gen_ai.request.stop_sequences": ["."],
                "gen_ai.request.model": "gpt-4o",
                "llm.invocation_parameters": '{"seed": 3}',
                "langsmith.reference_example_id": "11111111-1111-4111-8111-111111111111",
            }
        ).body["extra"]
        assert extra["invocation_params"] == {"seed": 3, "temperature": 0.5, "stop_sequences": ["."]}
        assert extra["reference_example_id"] == "11111111-1111-4111-8111-111111111111"

    @pytest.mark.parametrize(
        ("variables", "flags"),
        [
            ({"LANGSMITH_OTEL_ENABLED": "true"}, ("langsmith_hybrid",)),
            ({"LANGSMITH_TRACING_MODE": "hybrid"}, ("langsmith_hybrid",)),
            ({"LANGSMITH_OTEL_ENABLED": "true", "LANGSMITH_OTEL_ONLY": "true"}, None),
            ({"LANGSMITH_TRACING_MODE": "otel", "LANGSMITH_OTEL_ENABLED": "true"}, None),
        ],
    )
    def test_a_run_that_langsmith_sends_twice_says_so(self, variables: dict[str, str], flags: object) -> None:
        attributes = {f"langsmith.metadata.{name}": value for name, value in variables.items()}
        assert operation(attributes).body.get("flags") == flags


class TestContent:
    ASKED = ({"role": "user", "content": "hi"},)

    @pytest.mark.parametrize(
        ("attributes", "inputs"),
        [
            ({"gen_ai.prompt": '{"messages": [], "model": "m"}'}, {"messages": [], "model": "m"}),
            ({"gen_ai.prompt": "plain"}, {"input": "plain"}),
            ({"gen_ai.prompt": "[not json"}, {"input": "[not json"}),
            ({"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi"}, {"messages": [*ASKED]}),
            ({"gen_ai.prompt.0.0": "hi"}, {"messages": [{"0": "hi"}]}),  # a message is an object, whatever its keys
            (
                {"gen_ai.input.messages": '[{"role": "user", "parts": []}]', "gen_ai.system_instructions": "be kind"},
                {"messages": [{"role": "user", "parts": []}], "system_instructions": "be kind"},
            ),
            (
                {
                    "llm.input_messages.1.message.role": "assistant",
                    "llm.input_messages.1.message.tool_calls.0.tool_call.function.name": "f",
                    "llm.input_messages.0.message.role": "user",
                    "llm.input_messages.0.message.content": "hi",
                    "input.value": '{"x": 1}',
                },
                {
                    "messages": [
                        {"role": "user", "content": "hi"},
                        {"role": "assistant", "tool_calls": [{"tool_call": {"function": {"name": "f"}}}]},
                    ]
                },
            ),
            ({"input.value": '{"q": "안녕"}'}, {"q": "안녕"}),
            ({"traceloop.entity.input": '{"args": [1]}'}, {"args": [1]}),
            ({"ai.prompt.messages": '[{"role": "user", "content": "hi"}]'}, {"messages": [*ASKED]}),
            ({"gen_ai.tool.call.arguments": '{"city": "Seoul"}'}, {"city": "Seoul"}),
            ({"all_messages_events": '[{"role": "user", "content": "hi"}]'}, {"messages": [*ASKED]}),
        ],
    )  # fmt: skip
    def test_inputs(self, attributes: dict[str, Any], inputs: object) -> None:
        assert operation(attributes).body["inputs"] == inputs

    @pytest.mark.parametrize(
        ("attributes", "outputs"),
        [
            ({"gen_ai.completion": '{"output": 3}'}, {"output": 3}),
            ({"gen_ai.completion.0.content": "yes", "gen_ai.completion.0.role": "assistant"},
             {"messages": [{"content": "yes", "role": "assistant"}]}),
            ({"gen_ai.output.messages": '[{"role": "assistant"}]'}, {"messages": [{"role": "assistant"}]}),
            ({"output.value": "done"}, {"output": "done"}),
            ({"output.value": '{"id": "x"}', "llm.output_messages.0.message.content": "y"}, {"id": "x"}),
            ({"retrieval.documents.0.document.content": "a", "retrieval.documents.1.document.content": "b"},
             {"documents": [{"content": "a"}, {"content": "b"}]}),
            ({"ai.response.text": "hi"}, {"output": "hi"}),
            ({"gen_ai.tool.call.result": "[1, 2]"}, {"output": [1, 2]}),
        ],
    )  # fmt: skip
    def test_outputs(self, attributes: dict[str, Any], outputs: object) -> None:
        assert operation(attributes).body["outputs"] == outputs

    def test_messages_may_be_events(self) -> None:
        one = operation(
            {},
            events=[
                event("gen_ai.system.message", {"content": "be kind", "gen_ai.system": "openai"}),
                event("gen_ai.user.message", {"content": "hi"}),
                event("gen_ai.choice", {"index": 0, "message": '{"content": "yes"}'}),
            ],
        ).body
        assert one["inputs"] == {
            "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]
        }
        assert one["outputs"] == {"messages": [{"index": 0, "message": {"content": "yes"}}]}

    def test_content_may_be_in_one_event_of_details(self) -> None:
        details = {"gen_ai.input.messages": '[{"role": "user"}]', "gen_ai.output.messages": '[{"role": "assistant"}]'}
        one = operation({}, events=[event("gen_ai.client.inference.operation.details", details)]).body
        assert one["inputs"] == {"messages": [{"role": "user"}]}
        assert one["outputs"] == {"messages": [{"role": "assistant"}]}

    def test_content_may_be_in_an_event_for_each_direction(self) -> None:
        name = "gen_ai.client.inference.operation.details"
        asked = event(name, {"gen_ai.input.messages": '[{"role": "user"}]', "gen_ai.system_instructions": "be kind"})
        answered = event(name, {"gen_ai.output.messages": '[{"role": "assistant"}]'})
        one = operation({}, events=[asked, answered]).body
        assert one["inputs"] == {"messages": [{"role": "user"}], "system_instructions": "be kind"}
        assert one["outputs"] == {"messages": [{"role": "assistant"}]}

    def test_older_content_events(self) -> None:
        one = operation(
            {},
            events=[
                event("gen_ai.content.prompt", {"gen_ai.prompt": "q"}),
                event("gen_ai.content.completion", {"gen_ai.completion": '{"a": 1}'}),
            ],
        ).body
        assert (one["inputs"], one["outputs"]) == ({"input": "q"}, {"a": 1})

    def test_a_span_without_content_has_none(self) -> None:
        body = operation({"gen_ai.operation.name": "chat"}).body
        assert "inputs" not in body
        assert "outputs" not in body
