import { sign } from "../../model/dashboard";
import { moneyFull, signedMoney } from "../../model/format";

/** A change with its sign: `+120`, `−3`; nothing where nothing changed, `—` where it is not known. */
export function Change({ value, text }: { value: number | null; text: (size: number) => string }) {
  if (value === null) return <td className="right num faint change">—</td>;
  if (value === 0) return <td className="right num faint change">·</td>;
  return (
    <td className="right num change">
      {value > 0 ? "+" : "−"}
      {text(Math.abs(value))}
    </td>
  );
}

export function MoneyChange({ usd, decimals }: { usd: string | null; decimals: number }) {
  if (usd === null) return <td className="right num faint change">—</td>;
  if (sign(usd) === "same") return <td className="right num faint change">·</td>;
  return (
    <td className="right num change" title={moneyFull(usd)}>
      {signedMoney(usd, decimals)}
    </td>
  );
}
