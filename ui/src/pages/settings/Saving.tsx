import { Refusal } from "../../components/Told";
import { useWords } from "../../i18n/useWords";

/** The button of a form, and what came of pressing it. */
export function Saving({
  asked: { isPending, isSuccess, error },
  disabled = false,
  label,
}: {
  asked: { isPending: boolean; isSuccess: boolean; error: Error | null };
  disabled?: boolean;
  label?: string;
}) {
  const t = useWords();
  return (
    <div className="form-actions">
      <button type="submit" className="button primary" disabled={isPending || disabled}>
        {isPending ? t("settings.saving") : (label ?? t("settings.save"))}
      </button>
      {isSuccess && !isPending && (
        <span className="muted" role="status">
          {t("settings.saved")}
        </span>
      )}
      <Refusal error={error} />
    </div>
  );
}
