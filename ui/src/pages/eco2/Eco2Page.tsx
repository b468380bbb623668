import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { healthQuery } from "../../api/queries";
import { keepRange } from "../../components/Frame";
import { Empty, Failed, Skeleton } from "../../components/States";
import { useWords } from "../../i18n/useWords";
import type { Eco2Search } from "../../router";
import { ChatPane } from "./ChatPane";
import { GraphSide } from "./GraphSide";
import { useChat } from "./useChat";
import "./eco2.css";

/** The attached agent: a chat on the left, what each turn costs on the graph beside it. */
export function Eco2Page() {
  const t = useWords();
  const { data, error, refetch } = useQuery(healthQuery);
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (!data) return <Skeleton />;
  if (data.agent === null) return <Empty title={t("eco2.none")} text={t("eco2.noneText")} />;
  return <Conversation project={data.agent.project} />;
}

const newChat = () => `page-${crypto.randomUUID().slice(0, 8)}`;

function Conversation({ project }: { project: string }) {
  const t = useWords();
  const search = useSearch({ from: "/eco2" });
  const navigate = useNavigate();
  const show = (part: Partial<Record<keyof Eco2Search, string | undefined>>) =>
    void navigate({
      to: "/eco2",
      replace: true,
      search: (now) =>
        Object.fromEntries(Object.entries({ ...now, ...part }).filter(([, value]) => value !== undefined)),
    });
  const { chat, trace: asked, heat } = search;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page opens without a conversation
  useEffect(() => {
    if (chat === undefined) show({ chat: newChat() });
  }, [chat]);
  const talk = useChat(chat ?? "", t("eco2.lost"));
  const last = talk.turns.at(-1);
  const trace = last?.trace ?? undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the address follows the chat
  useEffect(() => {
    if (trace !== undefined) show({ trace });
  }, [trace]);
  if (chat === undefined) return <Skeleton />;
  return (
    <div className="eco2">
      <section className="eco2-chat" aria-label={t("eco2.chat")}>
        <header className="eco2-bar">
          <h1>{t("eco2.title")}</h1>
          <span className="spring" />
          {(talk.turns.length > 0 || asked !== undefined) && (
            <>
              <Link
                to="/projects/$project/threads/$threadId"
                params={{ project, threadId: chat }}
                search={keepRange}
                className="small-text"
              >
                {t("eco2.conversation")}
              </Link>
              <button
                type="button"
                className="quiet small"
                disabled={talk.busy}
                onClick={() => {
                  talk.clear();
                  show({ chat: newChat(), trace: undefined });
                }}
              >
                {t("eco2.newChat")}
              </button>
            </>
          )}
        </header>
        <ChatPane talk={talk} project={project} />
      </section>
      <GraphSide
        project={project}
        traceId={trace ?? asked}
        turn={last}
        heat={heat}
        onHeat={(next) => show({ heat: next })}
      />
    </div>
  );
}
