import { type ReactNode, useId } from "react";
import { Failed } from "./States";

type Asked = { data: unknown; error: Error | null; refetch: () => Promise<unknown> };

/** A titled part of a page that loads and fails alone: the others stay. */
export function Panel({
  title,
  wide = false,
  actions,
  asked,
  children,
}: {
  title: string;
  wide?: boolean;
  actions?: ReactNode;
  asked: Asked;
  children: ReactNode;
}) {
  const id = useId();
  const missing = asked.data === undefined;
  return (
    <section className={wide ? "panel wide" : "panel"} aria-labelledby={id} aria-busy={missing && !asked.error}>
      <header>
        <h2 id={id}>{title}</h2>
        {actions}
      </header>
      {missing && asked.error && <Failed error={asked.error} retry={() => void asked.refetch()} />}
      {missing && !asked.error && <div className="panel-skeleton" />}
      {!missing && children}
    </section>
  );
}

/** One of a few, as a row of buttons. */
export function Switch<T extends string>({
  label,
  value,
  choices,
  onChoose,
}: {
  label: string;
  value: T;
  choices: readonly { value: T; label: string }[];
  onChoose: (value: T) => void;
}) {
  return (
    <fieldset className="switch">
      <legend className="sr-only">{label}</legend>
      {choices.map((choice) => (
        <button
          key={choice.value}
          type="button"
          aria-pressed={choice.value === value}
          onClick={() => onChoose(choice.value)}
        >
          {choice.label}
        </button>
      ))}
    </fieldset>
  );
}
