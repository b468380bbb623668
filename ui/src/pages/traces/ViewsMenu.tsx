import { type FormEvent, useState } from "react";
import { Copy } from "../../components/Copy";
import { ChevronIcon, CloseIcon } from "../../components/icons";
import { Opens } from "../../components/Opens";
import { useWords } from "../../i18n/useWords";
import { loadViews, MAX_NAME, type SavedView, sameView, storeViews, viewOf, withView } from "../../model/views";
import type { TracesSearch } from "../../router";
import type { ListState } from "./useList";

/** Names for what the list shows, kept in this browser; the address carries all of it to others. */
export function ViewsMenu({ list }: { list: ListState }) {
  const t = useWords();
  const [views, setViews] = useState(loadViews);
  const now = viewOf(list.search);
  const current = views.find(({ name }) => name === list.search.view);
  const keep = (next: readonly SavedView[]) => {
    setViews(next);
    storeViews(next);
  };
  const choose = ({ name, search }: SavedView) => {
    const cleared = { range: undefined, filter: undefined, sort: undefined, strip: undefined, cols: undefined };
    list.set({ ...cleared, dense: undefined, ...(search as TracesSearch), view: name });
  };
  return (
    <Opens
      named
      label={t("list.view")}
      className="quiet views-open"
      opened="views-menu"
      onOpen={() => setViews(loadViews())}
      trigger={
        <>
          <span className="ellipsis">{list.search.view ?? t("list.views")}</span>
          {current && !sameView(current.search, now) && <span className="faint">· {t("list.changed")}</span>}
          <ChevronIcon />
        </>
      }
    >
      {(close) => (
        <>
          <h2>{t("list.view")}</h2>
          {views.length === 0 && <p className="muted small-text">{t("list.noViews")}</p>}
          <ul>
            {views.map((view) => (
              <li key={view.name} className={view.name === list.search.view ? "on" : ""}>
                <button
                  type="button"
                  className="ellipsis"
                  onClick={() => {
                    close();
                    choose(view);
                  }}
                >
                  {view.name}
                  {view.search.filter && <code className="faint"> {view.search.filter}</code>}
                </button>
                <button
                  type="button"
                  className="quiet icon"
                  aria-label={t("list.deleteView", { name: view.name })}
                  title={t("list.deleteView", { name: view.name })}
                  onClick={() => keep(views.filter((other) => other !== view))}
                >
                  <CloseIcon />
                </button>
              </li>
            ))}
          </ul>
          <SaveView
            name={list.search.view ?? ""}
            onSave={(name) => {
              keep(withView(views, { name, search: now }));
              list.set({ view: name });
              close();
            }}
          />
          <Copy text={window.location.href} label={t("actions.copyLink")} />
        </>
      )}
    </Opens>
  );
}

function SaveView({ name, onSave }: { name: string; onSave: (name: string) => void }) {
  const t = useWords();
  const [typed, setTyped] = useState(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim() !== "") onSave(typed.trim());
  };
  return (
    <form className="save-view" onSubmit={submit}>
      <label>
        {t("list.saveAs")}
        <input
          className="field small"
          value={typed}
          maxLength={MAX_NAME}
          placeholder={t("list.viewName")}
          onChange={(event) => setTyped(event.target.value)}
        />
      </label>
      <button type="submit" className="button" disabled={typed.trim() === ""}>
        {t("list.save")}
      </button>
    </form>
  );
}
