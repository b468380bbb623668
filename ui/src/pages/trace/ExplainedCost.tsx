import { Popover } from "radix-ui";
import type { ChargeRow, Totals } from "../../api/schema";
import { Cost } from "../../components/Figures";
import { useWords } from "../../i18n/useWords";
import { Arithmetic } from "./Arithmetic";

/** A cost that explains itself when clicked: class × count × price, merged over its charges. */
export function ExplainedCost({
  totals,
  charges,
  pending,
}: {
  totals: Totals;
  charges: readonly ChargeRow[];
  pending: boolean;
}) {
  const t = useWords();
  if (totals.llm_calls === 0) return <span className="muted">{t("quality.noLlm")}</span>;
  return (
    <Popover.Root modal={false}>
      <Popover.Trigger className="explain" title={t("trace.explain")}>
        <Cost totals={totals} full noted pending={pending} />
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="popover" align="start" sideOffset={6} collisionPadding={8}>
          <h2>{t("detail.calls", { count: charges.length })}</h2>
          <Arithmetic charges={charges} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
