import { Tabs } from "radix-ui";
import { useWords } from "../i18n/useWords";
import { Copy } from "./Copy";

const KINDS = ["env", "python", "js", "otlp"] as const;
type Kind = (typeof KINDS)[number];

const SNIPPETS: Record<Kind, (url: string) => string> = {
  env: (url) => `export LANGSMITH_TRACING=true
export LANGSMITH_ENDPOINT=${url}
export LANGSMITH_API_KEY=local
export LANGSMITH_PROJECT=my-app`,
  python: (url) => `# pip install everytoken; with LANGSMITH_ENDPOINT=${url}
import everytoken

everytoken.instrument()  # before the first call of openai or google-genai`,
  js: () => `// npm install langsmith openai
import { wrapOpenAI } from "langsmith/wrappers";
import OpenAI from "openai";

const client = wrapOpenAI(new OpenAI());`,
  otlp: (url) => `export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${url}/v1/traces
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS="x-api-key=local,Langsmith-Project=my-app"`,
};

const RUNS_RELEASE = "LANGSMITH_REVISION_ID=1.4.2";
const SPANS_RELEASE = "OTEL_RESOURCE_ATTRIBUTES=service.version=1.4.2";

/** How an app is pointed here, ready to paste, for the address this page was opened at. */
export function Connect() {
  const t = useWords();
  const notes: Record<Kind, string> = {
    env: t("connect.envNote"),
    python: t("connect.instrumentNote"),
    js: t("connect.sdkNote"),
    otlp: t("connect.otlpNote"),
  };
  return (
    <Tabs.Root defaultValue="env" className="connect">
      <Tabs.List className="tabs" aria-label={t("connect.title")}>
        {KINDS.map((kind) => (
          <Tabs.Trigger key={kind} value={kind}>
            {t(`connect.${kind}`)}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {KINDS.map((kind) => {
        const code = SNIPPETS[kind](window.location.origin);
        return (
          <Tabs.Content key={kind} value={kind}>
            <p className="muted">{notes[kind]}</p>
            <div className="snippet">
              <pre>{code}</pre>
              <Copy text={code} />
            </div>
            <p className="muted">
              {t("connect.release")} <code>{kind === "otlp" ? SPANS_RELEASE : RUNS_RELEASE}</code>
            </p>
          </Tabs.Content>
        );
      })}
    </Tabs.Root>
  );
}
