import { useWords } from "../i18n/useWords";

const KNOWN = ["success", "error", "pending", "interrupted", "cancelled"] as const;
type Known = (typeof KNOWN)[number];

export function StatusDot({ status }: { status: string }) {
  const t = useWords();
  const label = KNOWN.includes(status as Known) ? t(`status.${status as Known}`) : status;
  return <i className={`dot ${status}`} role="img" aria-label={label} title={label} />;
}
