import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useMatchRoute, useNavigate, useParams } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLive } from "../api/live";
import { healthQuery, projectsQuery } from "../api/queries";
import { LANGUAGES, type Language, setLanguage } from "../i18n";
import { useWords } from "../i18n/useWords";
import { KEYS, keyLabel } from "../model/keys";
import { type Range, zoneName } from "../model/time";
import { HelpDialog } from "./HelpDialog";
import { ChevronIcon, GearIcon, Logo, SunIcon } from "./icons";
import { LogOut } from "./LogOut";
import { ChoiceMenu } from "./Menu";
import { Palette } from "./Palette";
import { RangeMenu } from "./RangeMenu";
import { chooseTheme, THEMES, theme } from "./theme";
import { useKeys } from "./useKeys";
import { useZone, ZoneProvider } from "./useZone";

export const LANGUAGE_NAMES: Record<Language, string> = { en: "English", ko: "한국어" };

export function Frame() {
  const t = useWords();
  const { project, traceId } = useParams({ strict: false });
  const agent = useQuery(healthQuery).data?.agent ?? null;
  const atAgent = useMatchRoute()({ to: "/eco2" }) !== false;
  const [help, setHelp] = useState(false);
  const [palette, setPalette] = useState(false);
  const navigate = useNavigate();
  const openHelp = useCallback(() => setHelp(true), []);
  useKeys({
    help: () => setHelp(true),
    palette: () => setPalette((open) => !open),
    projects: () => void navigate({ to: "/", search: true }),
    ...(project !== undefined && {
      ...Object.fromEntries(
        ([...SECTIONS, "compare"] as const).map((section) => [
          section,
          () => void navigate({ to: `/projects/$project/${section}`, params: { project }, search: keepRange }),
        ]),
      ),
    }),
  });
  return (
    <ZoneProvider project={project}>
      <div className="frame">
        <a className="skip" href="#main">
          {t("app.skip")}
        </a>
        <header className="top">
          <Link to="/" search={keepRange} className="brand">
            <Logo />
            <span>{t("app.name")}</span>
          </Link>
          {project !== undefined && <ProjectMenu project={project} />}
          <span className="spring" />
          {agent !== null && !atAgent && (
            <Link
              to="/eco2"
              search={keepRange}
              className="button agent-link"
              title={t("eco2.open")}
              aria-label={t("eco2.title")}
            >
              <span className="long">{t("eco2.title")}</span>
              <span className="short">Eco²</span>
            </Link>
          )}
          {traceId === undefined && !atAgent && <RangeMenu />}
          <Zone />
          <LiveSign project={project ?? (atAgent ? agent?.project : undefined)} />
          <button
            type="button"
            className="quiet palette-open"
            onClick={() => setPalette(true)}
            title={t("palette.label")}
          >
            <span className="sr-only">{t("palette.label")}</span>
            <kbd>{keyLabel(KEYS.palette[0])}</kbd>
          </button>
          <LogOut />
          <Switches onHelp={() => setHelp(true)} />
        </header>
        {project !== undefined && <Sections project={project} />}
        <main id="main" tabIndex={-1}>
          <Outlet />
        </main>
        <Palette open={palette} onClose={() => setPalette(false)} onHelp={openHelp} />
        <HelpDialog open={help} onClose={() => setHelp(false)} />
      </div>
    </ZoneProvider>
  );
}

/** Going elsewhere keeps the time range and nothing else. */
export function keepRange(search: { range?: unknown }): { range?: Range } {
  return search.range === undefined ? {} : { range: search.range as Range };
}

export const SECTIONS = [
  "overview",
  "traces",
  "nodes",
  "models",
  "users",
  "threads",
  "coverage",
  "prices",
  "alerts",
  "settings",
] as const;

function Sections({ project }: { project: string }) {
  const t = useWords();
  const bar = useRef<HTMLElement>(null);
  const path = useLocation({ select: (location) => location.pathname });
  // On a phone the bar is wider than the screen: the section one is in must be seen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another path is another section
  useEffect(() => {
    bar.current?.querySelector("[aria-current=page]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [path]);
  return (
    <nav ref={bar} className="sections" aria-label={t("nav.sections")}>
      {SECTIONS.map((section) => (
        <Link
          key={section}
          to={`/projects/$project/${section}`}
          params={{ project }}
          search={keepRange}
          activeOptions={{ includeSearch: false }}
          {...(section === "settings" && { className: "gear", title: t("nav.settings") })}
        >
          {section === "settings" && <GearIcon />}
          <span className={section === "settings" ? "sr-only" : undefined}>{t(`nav.${section}`)}</span>
        </Link>
      ))}
    </nav>
  );
}

function ProjectMenu({ project }: { project: string }) {
  const t = useWords();
  const navigate = useNavigate();
  const { data } = useQuery(projectsQuery("all"));
  const names = new Set([project, ...(data?.projects ?? []).map((row) => row.project)]);
  return (
    <ChoiceMenu
      className="quiet project"
      label={t("count.project")}
      trigger={
        <>
          <span className="ellipsis">{project}</span>
          <ChevronIcon />
        </>
      }
      value={project}
      choices={[...names].map((name) => ({ value: name, label: name }))}
      onChoose={(next) =>
        void navigate({ to: "/projects/$project/overview", params: { project: next }, search: keepRange })
      }
    />
  );
}

function Zone() {
  const t = useWords();
  const zone = useZone();
  return (
    <span className="muted zone" title={t("zone", { zone })}>
      {zoneName(zone, Date.now())}
    </span>
  );
}

function LiveSign({ project }: { project: string | undefined }) {
  const t = useWords();
  const state = useLive(project);
  return (
    <span className={`live ${state}`} role="status" title={state === "live" ? t("live.liveHelp") : t("live.offHelp")}>
      <i />
      <span>{t(`live.${state}`)}</span>
    </span>
  );
}

function Switches({ onHelp }: { onHelp: () => void }) {
  const { t, i18n } = useTranslation();
  const [chosen, setChosen] = useState(theme);
  return (
    <>
      <ChoiceMenu
        label={t("language.label")}
        trigger={<span className="lang">{i18n.language === "ko" ? "한" : "EN"}</span>}
        value={i18n.language as Language}
        choices={LANGUAGES.map((value) => ({ value, label: LANGUAGE_NAMES[value] }))}
        onChoose={setLanguage}
      />
      <ChoiceMenu
        label={t("theme.label")}
        className="quiet icon"
        trigger={<SunIcon />}
        value={chosen}
        choices={THEMES.map((value) => ({ value, label: t(`theme.${value}`) }))}
        onChoose={(next) => {
          chooseTheme(next);
          setChosen(next);
        }}
      />
      <button type="button" className="quiet icon" onClick={onHelp} title={`${t("help.open")} (?)`}>
        <span aria-hidden="true">?</span>
        <span className="sr-only">{t("help.open")}</span>
      </button>
    </>
  );
}
