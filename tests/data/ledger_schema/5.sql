-- Every column that is no key is Tuple(version, value): the last settled version wins whatever order the parts merge in,
-- and version 0 ("not known") never wins over a known value, so two servers may each hold half of a run.
-- A week that was left alone for six hours becomes one part: a read then has nothing left to merge, a tenth of its work.
CREATE TABLE IF NOT EXISTS run_versions (
  project        LowCardinality(String),
  is_root        UInt8,
  start_us       Int64 CODEC(Delta(8), ZSTD(1)),
  trace_id       UUID,
  run_id         UUID,
  version        SimpleAggregateFunction(max, UInt64),
  parent_run_id  SimpleAggregateFunction(max, Nullable(UUID)),
  dotted_order   SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  name           SimpleAggregateFunction(max, Tuple(UInt64, String)),
  run_type       SimpleAggregateFunction(max, Tuple(UInt64, String)),
  end_us         SimpleAggregateFunction(max, Tuple(UInt64, Int64)),
  first_token_us SimpleAggregateFunction(max, Tuple(UInt64, Int64)),
  status         SimpleAggregateFunction(max, Tuple(UInt64, String)),
  error          SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  node           SimpleAggregateFunction(max, Tuple(UInt64, String)),
  is_node        SimpleAggregateFunction(max, Tuple(UInt64, UInt8)),
  tags           SimpleAggregateFunction(max, Tuple(UInt64, Array(String))),
  flags          SimpleAggregateFunction(max, Tuple(UInt64, Array(String))),
  metadata       SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  extra          SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  inputs         SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  outputs        SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  events         SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  route          SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  input_preview  SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  output_preview SimpleAggregateFunction(max, Tuple(UInt64, String)) CODEC(ZSTD(1)),
  INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX ix_run   run_id   TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = AggregatingMergeTree
PARTITION BY toMonday(fromUnixTimestamp64Micro(start_us, 'UTC'))
ORDER BY (project, is_root, start_us, trace_id, run_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
  min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1;

-- One row per billed provider request. Everything a dashboard groups by is copied on; no payload. In a LowCardinality
-- column '' is "not known": Arrow's null becomes '' there on the way in (chDB 26.5), so it cannot be told apart.
CREATE TABLE IF NOT EXISTS charge_versions (
  project        LowCardinality(String),
  started_us     Int64 CODEC(Delta(8), ZSTD(1)),
  trace_id       UUID,
  charge_key     String,
  version        UInt64,
  is_deleted     UInt8,
  run_id         UUID,
  run_ids        Array(UUID),
  node           LowCardinality(String),
  thread_id      Nullable(String),
  user_id        Nullable(String),
  session_id     Nullable(String),
  environment    LowCardinality(String),
  release        LowCardinality(String),
  tags           Array(LowCardinality(String)),
  call_path      LowCardinality(String),
  provider       LowCardinality(String),
  request_model  LowCardinality(String),
  response_model LowCardinality(String),
  response_id    Nullable(String),
  quality        LowCardinality(String),
  layer          LowCardinality(String),
  layers_seen    Array(LowCardinality(String)),
  input_tokens   Nullable(UInt64),
  output_tokens  Nullable(UInt64),
  input_details  Map(LowCardinality(String), UInt64),
  output_details Map(LowCardinality(String), UInt64),
  meters         Map(LowCardinality(String), Decimal(38, 12)),
  requests       Nullable(UInt64),
  usage_source   LowCardinality(String),
  tier           LowCardinality(String),
  raw_usage      String CODEC(ZSTD(1)),
  usage_warnings Array(LowCardinality(String)),
  cost_usd       Nullable(Decimal(38, 12)),
  cost_status    LowCardinality(String),
  cost_reason    LowCardinality(String),
  price_entry    LowCardinality(String),
  price_source   LowCardinality(String),
  cost_lines     String CODEC(ZSTD(1)),
  -- Class and dollars of each line of the arithmetic, as a chart sums them; eighteen digits hold any line of a request.
  line_usds      Array(Tuple(LowCardinality(String), Decimal(18, 12))) MATERIALIZED
                 arrayMap(line -> (line.1, toDecimal64OrZero(line.5, 12)),
                   JSONExtract(cost_lines, 'Array(Tuple(String, String, String, UInt64, String))')),
  status         LowCardinality(String),
  duration_us    Nullable(UInt64),
  ttft_us        Nullable(UInt64),
  flags          Array(LowCardinality(String)),
  differences    String CODEC(ZSTD(1)),
  INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(fromUnixTimestamp64Micro(started_us, 'UTC'))
ORDER BY (project, started_us, trace_id, charge_key)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
  min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1;


-- What was said of runs, as it was received, by servers that share this ledger: any of them can settle a trace of which
-- another one received a part. Kept for a day; an embedded ledger holds none.
CREATE TABLE IF NOT EXISTS operations (
  trace_id    UUID,
  run_id      UUID,
  kind        LowCardinality(String),
  received_us Int64,
  part        UInt32,
  digest      UInt64,
  writer      LowCardinality(String),
  told        DateTime('UTC') DEFAULT now(),
  body        String CODEC(ZSTD(1)),
  INDEX ix_run run_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(told)
ORDER BY (trace_id, run_id, kind, received_us, part, digest)
TTL told + INTERVAL 1 DAY DELETE
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1, ttl_only_drop_parts = 1;

-- Attachments under the hash of their content, where several servers have no folder in common.
CREATE TABLE IF NOT EXISTS attachments (
  sha256 FixedString(64),
  at_us  Int64,
  data   String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
ORDER BY sha256
SETTINGS index_granularity = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS ledger_schema (
  version UInt32,
  at_us   Int64
) ENGINE = MergeTree
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
INSERT INTO ledger_schema VALUES (5, 1795348800000000);
