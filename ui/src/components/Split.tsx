import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from "react";
import { useWords } from "../i18n/useWords";

const LEAST_PX = 320;
const START_PX = 440;
const STEP_PX = 24;

/** Two panes with a handle between them; the right one only when there is something to show in it. */
export function Split({ children, detail }: { children: ReactNode; detail: ReactNode }) {
  const t = useWords();
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(START_PX);
  const most = () => Math.max(LEAST_PX, (box.current?.clientWidth ?? 1_200) - LEAST_PX);
  const resize = (next: number) => setWidth(Math.min(Math.max(next, LEAST_PX), most()));
  const onDrag = (event: PointerEvent<HTMLHRElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !box.current) return;
    resize(box.current.getBoundingClientRect().right - event.clientX);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowLeft") resize(width + STEP_PX);
    if (event.key === "ArrowRight") resize(width - STEP_PX);
  };
  return (
    <div ref={box} className="split">
      <div className="split-main">{children}</div>
      {detail && (
        <>
          <hr
            className="handle"
            tabIndex={0}
            aria-orientation="vertical"
            aria-label={t("trace.resize")}
            aria-valuenow={width}
            aria-valuemin={LEAST_PX}
            onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
            onPointerMove={onDrag}
            onKeyDown={onKey}
          />
          <div className="split-detail" style={{ "--detail-width": `${width}px` } as React.CSSProperties}>
            {detail}
          </div>
        </>
      )}
    </div>
  );
}
