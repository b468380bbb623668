import { useEffect, useId, useRef, useState } from "react";
import { useWords } from "../../i18n/useWords";

const KINDS = ["image/png", "image/jpeg", "image/webp", "image/gif"];
const LARGEST = 10 * 1024 * 1024;
const LONGEST = 100_000;
const SAMPLE = "유리병은 어떻게 버려요?";

/** A message, and a picture to go with it. Enter sends, Shift+Enter breaks the line. */
export function Composer({
  busy,
  onSend,
}: {
  busy: boolean;
  onSend: (question: string, picture: File | null) => void;
}) {
  const t = useWords();
  const [text, setText] = useState("");
  const [picture, setPicture] = useState<File | null>(null);
  const [wrong, setWrong] = useState(false);
  const choose = useRef<HTMLInputElement>(null);
  const ready = !busy && (text.trim() !== "" || picture !== null);
  const take = (file: File | null) => {
    const fits = file !== null && KINDS.includes(file.type) && file.size > 0 && file.size <= LARGEST;
    setWrong(file !== null && !fits);
    setPicture(fits ? file : null);
    if (choose.current) choose.current.value = "";
  };
  const send = () => {
    if (!ready) return;
    onSend(text.trim(), picture);
    setText("");
    setPicture(null);
  };
  return (
    <form
      className="eco2-composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {picture !== null && (
        <p className="eco2-picked small-text">
          <span className="ellipsis">{t("eco2.pictureTaken", { name: picture.name })}</span>
          <button type="button" className="quiet small" onClick={() => setPicture(null)}>
            {t("eco2.removePicture")}
          </button>
        </p>
      )}
      {wrong && (
        <p className="bad small-text" role="alert">
          {t("eco2.pictureWrong")}
        </p>
      )}
      <textarea
        aria-label={t("eco2.message")}
        placeholder={SAMPLE}
        rows={2}
        maxLength={LONGEST}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          // While a syllable is being composed, Enter ends the syllable.
          if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <div className="eco2-actions">
        <input
          ref={choose}
          type="file"
          className="sr-only"
          tabIndex={-1}
          accept={KINDS.join(",")}
          aria-label={t("eco2.picture")}
          onChange={(event) => take(event.target.files?.[0] ?? null)}
        />
        <button type="button" className="button" disabled={busy} onClick={() => choose.current?.click()}>
          {t("eco2.picture")}
        </button>
        <span className="spring" />
        <button type="submit" className="button primary" disabled={!ready}>
          {t("eco2.send")}
        </button>
      </div>
    </form>
  );
}

/** The agent asked for a place; the turn goes on with the answer. */
export function PlaceForm({ question, onAnswer }: { question: string; onAnswer: (place: string) => void }) {
  const t = useWords();
  const [place, setPlace] = useState("");
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []); // the agent waits for this one answer
  return (
    <form
      className="eco2-composer asking"
      onSubmit={(event) => {
        event.preventDefault();
        if (place.trim() !== "") onAnswer(place.trim());
      }}
    >
      <label htmlFor={id} className="sr-only">
        {question}
      </label>
      <div className="eco2-actions">
        <input
          id={id}
          type="text"
          ref={field}
          autoComplete="off"
          maxLength={200}
          placeholder="강남역"
          value={place}
          onChange={(event) => setPlace(event.target.value)}
        />
        <button type="submit" className="button primary" disabled={place.trim() === ""}>
          {t("eco2.answerPlace")}
        </button>
      </div>
    </form>
  );
}
