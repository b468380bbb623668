import { useWords } from "../i18n/useWords";
import { changeText } from "../model/dashboard";

/** Change against the period before: an arrow and a share, never a judgement. */
export function Delta({ share, before }: { share: number | null; before: string }) {
  const t = useWords();
  if (share === null) return null;
  return (
    <span className="delta num" title={t("overview.before", { value: before })}>
      {changeText(share)}
    </span>
  );
}
