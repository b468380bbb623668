import { CloseIcon } from "../../components/icons";
import { useWords } from "../../i18n/useWords";
import { conditions, withoutCondition } from "../../model/filter";
import type { ListState } from "./useList";

/** Each condition that holds, to be taken out with one click. */
export function Conditions({ list: { filter, set } }: { list: ListState }) {
  const t = useWords();
  const parts = conditions(filter);
  if (parts.length < 2) return null;
  return (
    <ul className="conditions">
      {parts.map((part) => (
        <li key={part}>
          <code className="ellipsis" title={part}>
            {part}
          </code>
          <button
            type="button"
            aria-label={t("list.remove", { value: part })}
            onClick={() => set({ filter: withoutCondition(filter, part) })}
          >
            <CloseIcon />
          </button>
        </li>
      ))}
    </ul>
  );
}
