import { Tabs } from "radix-ui";
import { useWords } from "../i18n/useWords";
import { Copy } from "./Copy";

const KINDS = ["env", "python", "js"] as const;
type Kind = (typeof KINDS)[number];

function snippet(kind: Kind, url: string): string {
  if (kind === "env") {
    return `export LANGSMITH_TRACING=true
export LANGSMITH_ENDPOINT=${url}
export LANGSMITH_API_KEY=local
export LANGSMITH_PROJECT=my-app`;
  }
  if (kind === "python") {
    return `# pip install langsmith openai
from langsmith.wrappers import wrap_openai
from openai import OpenAI

client = wrap_openai(OpenAI())`;
  }
  return `// npm install langsmith openai
import { wrapOpenAI } from "langsmith/wrappers";
import OpenAI from "openai";

const client = wrapOpenAI(new OpenAI());`;
}

/** How an app is pointed here, ready to paste, for the address this page was opened at. */
export function Connect() {
  const t = useWords();
  const notes: Record<Kind, string> = {
    env: t("connect.envNote"),
    python: t("connect.sdkNote"),
    js: t("connect.sdkNote"),
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
        const code = snippet(kind, window.location.origin);
        return (
          <Tabs.Content key={kind} value={kind}>
            <p className="muted">{notes[kind]}</p>
            <div className="snippet">
              <pre>{code}</pre>
              <Copy text={code} />
            </div>
          </Tabs.Content>
        );
      })}
    </Tabs.Root>
  );
}
