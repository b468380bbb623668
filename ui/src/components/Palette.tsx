import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { get } from "../api/client";
import { healthQuery, projectsQuery } from "../api/queries";
import { LANGUAGES, setLanguage } from "../i18n";
import { useWords } from "../i18n/useWords";
import { type Command, idIn, rank } from "../model/commands";
import { KEYS, type KeyAction, keyLabel } from "../model/keys";
import { RANGES } from "../model/time";
import { keepRange, LANGUAGE_NAMES, SECTIONS } from "./Frame";
import { chooseTheme, THEMES } from "./theme";

type Props = { open: boolean; onClose: () => void; onHelp: () => void };

/** Anywhere by name: pages, projects, a trace by its id, and what the switches do. */
export function Palette({ open, onClose, onHelp }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const t = useWords();
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return (
    <dialog ref={dialog} className="dialog palette" onClose={onClose} aria-label={t("palette.label")}>
      {open && <Choices onClose={onClose} onHelp={onHelp} />}
    </dialog>
  );
}

function Choices({ onClose, onHelp }: Omit<Props, "open">) {
  const t = useWords();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [lost, setLost] = useState(false);
  const commands = useCommands(onHelp);
  const openTrace = useOpenTrace(onClose, () => setLost(true));
  const id = idIn(text);
  const found = useMemo(() => {
    const ranked = rank(commands, text);
    if (id === null) return ranked;
    return [{ id, title: id, group: t("palette.trace"), run: () => void openTrace(id) }, ...ranked];
  }, [commands, text, id, openTrace, t]);
  const act = (command: Command | undefined) => {
    if (!command) return;
    command.run();
    if (command.id !== id) onClose();
  };
  const onKey = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      setAt((now) => (now + by + found.length) % Math.max(found.length, 1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      act(found[at]);
    }
  };
  return (
    <>
      <input
        type="search"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] && `palette-${at}`}
        aria-label={t("palette.label")}
        placeholder={t("palette.placeholder")}
        value={text}
        // biome-ignore lint/a11y/noAutofocus: a dialog opened to be typed into
        autoFocus
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
          setLost(false);
        }}
        onKeyDown={onKey}
      />
      {lost && (
        <p className="palette-note warn" role="alert">
          {t("trace.notFound")}
        </p>
      )}
      {found.length === 0 && <p className="palette-note muted">{t("palette.nothing")}</p>}
      <List found={found} at={at} onAct={act} />
    </>
  );
}

function List({ found, at, onAct }: { found: readonly Command[]; at: number; onAct: (command: Command) => void }) {
  const chosen = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another choice is another element
  useEffect(() => {
    chosen.current?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <div id="palette-list" role="listbox" className="palette-list">
      {found.map((command, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: keys are read by the field
        <div
          key={`${command.group} ${command.id}`}
          ref={index === at ? chosen : null}
          id={`palette-${index}`}
          role="option"
          aria-selected={index === at}
          className="palette-item"
          onClick={() => onAct(command)}
        >
          <span className="ellipsis">{command.title}</span>
          <span className="muted">{command.group}</span>
          <span className="palette-keys">
            {command.key?.split(" ").map((part) => (
              <kbd key={part}>{keyLabel(part)}</kbd>
            ))}
          </span>
        </div>
      ))}
    </div>
  );
}

/** Opens a trace wherever its project is. */
function useOpenTrace(onOpened: () => void, onLost: () => void): (id: string) => Promise<void> {
  const navigate = useNavigate();
  return async (id) => {
    try {
      const view = await get("/everytoken/v1/traces/{trace_id}", { trace_id: id }, new AbortController().signal);
      onOpened();
      void navigate({
        to: "/projects/$project/traces/$traceId",
        params: { project: view.trace.project, traceId: id },
        search: keepRange,
      });
    } catch {
      onLost();
    }
  };
}

function useCommands(onHelp: () => void): Command[] {
  const t = useWords();
  const { i18n } = useTranslation();
  const navigate = useNavigate();
  const { project } = useParams({ strict: false });
  const { data } = useQuery(projectsQuery("all"));
  const agent = useQuery(healthQuery).data?.agent ?? null;
  return useMemo(() => {
    const key = (action: KeyAction) => KEYS[action][0];
    const pages: Command[] = [
      {
        id: "projects",
        title: t("projects.title"),
        group: t("palette.pages"),
        key: key("projects"),
        run: () => void navigate({ to: "/", search: keepRange }),
      },
      ...(agent === null
        ? []
        : [
            {
              id: "eco2",
              title: t("eco2.title"),
              group: t("palette.pages"),
              words: "eco2 agent chat",
              run: () => void navigate({ to: "/eco2", search: keepRange }),
            },
          ]),
      ...(project === undefined
        ? []
        : ([...SECTIONS, "compare"] as const).map((section) => ({
            id: section,
            title: section === "compare" ? t("compare.windows") : t(`nav.${section}`),
            group: t("palette.pages"),
            words: section,
            key: key(section),
            run: () => void navigate({ to: `/projects/$project/${section}`, params: { project }, search: keepRange }),
          }))),
    ];
    const projects = (data?.projects ?? []).map((row) => ({
      id: row.project,
      title: row.project,
      group: t("count.project"),
      words: "project",
      run: () =>
        void navigate({ to: "/projects/$project/overview", params: { project: row.project }, search: keepRange }),
    }));
    const ranges = RANGES.map((range) => ({
      id: range,
      title: t(`range.${range}`),
      group: t("range.label"),
      words: `range time ${range}`,
      run: () => void navigate({ to: ".", search: (now) => ({ ...now, range }) }),
    }));
    const themes = THEMES.map((name) => ({
      id: name,
      title: t(`theme.${name}`),
      group: t("theme.label"),
      words: `theme ${name}`,
      run: () => chooseTheme(name),
    }));
    const languages = LANGUAGES.filter((name) => name !== i18n.language).map((name) => ({
      id: name,
      title: LANGUAGE_NAMES[name],
      group: t("language.label"),
      words: `language ${name}`,
      run: () => setLanguage(name),
    }));
    const help = { id: "help", title: t("keys.help"), group: t("palette.actions"), key: key("help"), run: onHelp };
    return [...pages, ...projects, ...ranges, ...themes, ...languages, help];
  }, [t, i18n.language, navigate, project, data, agent, onHelp]);
}
