import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { Explained } from "../../components/Explain";
import { keepRange } from "../../components/Frame";
import { useWords } from "../../i18n/useWords";
import { pictureAddress, type Turn } from "../../model/chat";
import { moneyFull, tokens } from "../../model/format";
import { Composer, PlaceForm } from "./Composer";
import type { Chat } from "./useChat";

/** Questions that take different ways through the graph. */
const EXAMPLES = [
  "강남역 근처 페트병 분리수거함 어디있어?",
  "종이 어떻게 버려? 그리고 수거함도 알려줘",
  "가까운 제로웨이스트 가게 어디 있어?",
  "분리배출 포스터 그려줘",
];

export function ChatPane({ talk, project }: { talk: Chat; project: string }) {
  const { turns, busy, ask, answer } = talk;
  const end = useRef<HTMLDivElement>(null);
  const last = turns.at(-1);
  const length = last ? last.answer.length + turns.length + (last.asked ? 1 : 0) : 0;
  useEffect(() => {
    if (length > 0) end.current?.scrollIntoView({ block: "end" });
  }, [length]);
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <div className="eco2-turns" tabIndex={0} role="log" aria-live="polite">
        {turns.length === 0 && <Welcome onAsk={(question) => void ask(question, null)} />}
        {turns.map((turn, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever added
          <OneTurn key={index} turn={turn} project={project} />
        ))}
        <div ref={end} />
      </div>
      {last?.status === "asking" ? (
        <PlaceForm question={last.asked ?? ""} onAnswer={(place) => void answer(place)} />
      ) : (
        <Composer busy={busy} onSend={(question, picture) => void ask(question, picture)} />
      )}
    </>
  );
}

function Welcome({ onAsk }: { onAsk: (question: string) => void }) {
  const t = useWords();
  return (
    <div className="eco2-welcome">
      <h2>{t("eco2.welcome")}</h2>
      <p className="muted">{t("eco2.welcomeText")}</p>
      <ul aria-label={t("eco2.examples")}>
        {EXAMPLES.map((question) => (
          <li key={question}>
            <button type="button" className="button" lang="ko" onClick={() => onAsk(question)}>
              {question}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function OneTurn({ turn, project }: { turn: Turn; project: string }) {
  const t = useWords();
  const picture = pictureAddress(turn.picture);
  const drawn = pictureAddress(turn.drawn);
  return (
    <article className="eco2-turn">
      <div className="eco2-said mine">
        <span className="sr-only">{t("eco2.you")}</span>
        {picture !== null && <img src={picture} alt={t("eco2.pictureSent")} />}
        {turn.question !== "" && <p dir="auto">{turn.question}</p>}
      </div>
      <div className="eco2-said" aria-busy={turn.status === "running"}>
        <span className="sr-only">Eco²</span>
        {turn.answer === "" && <Waiting turn={turn} />}
        {turn.answer !== "" && <p dir="auto">{turn.answer}</p>}
        {drawn !== null && <img src={drawn} alt={t("eco2.pictureDrawn")} />}
        {turn.problem !== null && <p className="bad">{turn.problem}</p>}
      </div>
      <Facts turn={turn} project={project} />
    </article>
  );
}

function Waiting({ turn }: { turn: Turn }) {
  const t = useWords();
  if (turn.status === "failed" || turn.status === "done") return null;
  if (turn.asked !== null) return <p dir="auto">{turn.asked}</p>;
  const at = Object.entries(turn.stages)
    .filter(([, status]) => status === "started")
    .map(([node]) => node);
  return (
    <p className="muted eco2-thinking">
      {t("eco2.thinking")} {at.length > 0 && <span className="faint">{t("eco2.at", { node: at.join(", ") })}</span>}
    </p>
  );
}

/** What a turn took, and the way to its trace. */
function Facts({ turn, project }: { turn: Turn; project: string }) {
  const t = useWords();
  const { usage } = turn;
  if (usage === null && turn.failed.length === 0) return null;
  const taken = usage && tokens(usage.total_tokens);
  const cost = usage && usage.cost_usd !== null ? moneyFull(usage.cost_usd) : "—";
  const told = (figure: ReactNode) =>
    turn.trace === null ? (
      figure
    ) : (
      <Explained cell={{ project, traceId: turn.trace, range: "all" }}>{figure}</Explained>
    );
  return (
    <p className="eco2-facts muted small-text">
      {taken &&
        told(
          <span className="num" title={taken.full}>
            {taken.value} {taken.unit} {t("count.tokens").toLowerCase()}
          </span>,
        )}
      {usage && told(<span className="num">{cost}</span>)}
      {usage && <span className="num">{t("eco2.calls", { count: usage.llm_calls })}</span>}
      {turn.failed.length > 0 && (
        <span className="bad">{t("eco2.failedNodes", { nodes: [...new Set(turn.failed)].join(", ") })}</span>
      )}
      {turn.trace !== null && (
        <Link to="/projects/$project/traces/$traceId" params={{ project, traceId: turn.trace }} search={keepRange}>
          {t("eco2.trace")}
        </Link>
      )}
    </p>
  );
}
