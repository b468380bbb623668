import type { ReactNode } from "react";

/** One figure of a summary strip: what it is, the number, and a line that says more. */
export function Stat({ label, children, note }: { label: string; children: ReactNode; note?: ReactNode }) {
  return (
    <div className="stat">
      <dt>{label}</dt>
      <dd>{children}</dd>
      <dd className="note">{note}</dd>
    </div>
  );
}
