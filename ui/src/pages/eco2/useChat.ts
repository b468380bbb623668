import { useEffect, useReducer, useRef } from "react";
import { follow, sendMessage, sendPicture, sendPlace } from "../../api/agent";
import { afterEvent, type ChatEvent, isOpen, newTurn, type Turn } from "../../model/chat";

type Action =
  | { kind: "asked"; question: string; picture: string | null }
  | { kind: "taken"; job: string }
  | { kind: "event"; event: ChatEvent }
  | { kind: "failed"; problem: string }
  | { kind: "cleared" };

function after(turns: readonly Turn[], action: Action): readonly Turn[] {
  if (action.kind === "cleared") return [];
  if (action.kind === "asked") return [...turns, newTurn(action.question, action.picture)];
  const last = turns.at(-1);
  if (last === undefined) return turns;
  return [...turns.slice(0, -1), changed(last, action)];
}

function changed(turn: Turn, action: Exclude<Action, { kind: "cleared" | "asked" }>): Turn {
  if (action.kind === "taken") return { ...turn, job: action.job, status: "running" };
  if (action.kind === "failed") return { ...turn, status: "failed", problem: action.problem };
  return afterEvent(turn, action.event);
}

export type Chat = {
  turns: readonly Turn[];
  busy: boolean;
  ask: (question: string, picture: File | null) => Promise<void>;
  answer: (place: string) => Promise<void>;
  clear: () => void;
};

/** The turns of one conversation, followed while the page is shown. */
export function useChat(chat: string, lost: string): Chat {
  const [turns, dispatch] = useReducer(after, []);
  const stop = useRef<() => void>(() => undefined);
  useEffect(() => () => stop.current(), []);
  const last = turns.at(-1);
  const failed = (failure: unknown) =>
    dispatch({ kind: "failed", problem: failure instanceof Error ? failure.message : String(failure) });
  return {
    turns,
    busy: last !== undefined && isOpen(last),
    ask: async (question, file) => {
      dispatch({ kind: "asked", question, picture: null });
      try {
        const picture = file === null ? null : await sendPicture(file);
        if (picture !== null) dispatch({ kind: "event", event: { type: "picture", link: picture } });
        const job = await sendMessage(chat, question, picture);
        dispatch({ kind: "taken", job });
        stop.current = follow(
          job,
          (event) => dispatch({ kind: "event", event }),
          () => dispatch({ kind: "failed", problem: lost }),
        );
      } catch (failure) {
        failed(failure);
      }
    },
    answer: async (place) => {
      if (last?.job) await sendPlace(last.job, place).catch(failed);
    },
    clear: () => {
      stop.current();
      dispatch({ kind: "cleared" });
    },
  };
}
