/** Rows for tests: everything empty but what the test is about. */

import type { ChargeRow, RunRow, Totals, TraceRow } from "../api/schema";

export function totals(part: Partial<Totals>): Totals {
  return {
    llm_calls: 0,
    input_tokens: 0,
    output_tokens: 0,
    total_tokens: 0,
    cache_read_tokens: 0,
    reasoning_tokens: 0,
    cost_usd: null,
    cost_known_usd: "0",
    unpriced_calls: 0,
    quality: { exact: 0, partial: 0, estimated: 0, missing: 0 },
    ...part,
  };
}

export function trace(part: Partial<TraceRow> & { trace_id: string }): TraceRow {
  return {
    ...totals({}),
    project: "p",
    name: part.trace_id,
    status: "success",
    start_us: 0,
    duration_ms: 0,
    ttft_ms: null,
    runs: 1,
    models: [],
    thread_id: null,
    user_id: null,
    tags: [],
    rootless: false,
    input_preview: "",
    output_preview: "",
    error: null,
    ...part,
  };
}

export function run(part: Partial<RunRow> & { run_id: string }): RunRow {
  return {
    parent_run_id: null,
    depth: 0,
    name: part.run_id,
    run_type: "chain",
    status: "success",
    node: null,
    is_node: false,
    start_us: 0,
    offset_ms: 0,
    duration_ms: 0,
    ttft_ms: null,
    parallel: false,
    critical: false,
    own: totals({}),
    subtree: totals({}),
    models: [],
    charge_keys: [],
    tags: [],
    error: null,
    flags: [],
    ...part,
  };
}

export function charge(part: Partial<ChargeRow>): ChargeRow {
  return {
    charge_key: "c1",
    project: "p",
    trace_id: "t",
    run_id: "r",
    run_ids: ["r"],
    node: null,
    thread_id: null,
    user_id: null,
    release: null,
    call_path: "openai.chat",
    provider: "openai",
    request_model: "gpt-5.2",
    response_model: null,
    response_id: null,
    tier: null,
    quality: "exact",
    layer: "sdk",
    layers_seen: ["sdk"],
    input_tokens: null,
    output_tokens: null,
    total_tokens: null,
    input_token_details: {},
    output_token_details: {},
    meters: {},
    cost_usd: null,
    cost_status: "priced",
    cost_reason: null,
    cost_lines: [],
    price_entry: null,
    price_source: null,
    status: "success",
    started_at: 0,
    duration_ms: null,
    ttft_ms: null,
    flags: [],
    raw_usage: {},
    ...part,
  };
}
