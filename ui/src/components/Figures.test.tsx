import { cleanup, render, screen } from "@testing-library/react";
import i18next from "i18next";
import { afterEach, beforeAll, expect, test } from "vitest";
import { startI18n } from "../i18n";
import { WordsProvider } from "../i18n/useWords";
import { totals } from "../model/samples";
import { Cost, QualityNote } from "./Figures";

beforeAll(startI18n);
afterEach(async () => {
  cleanup();
  await i18next.changeLanguage("en");
});

const show = (element: React.ReactNode) => render(<WordsProvider>{element}</WordsProvider>).container;
const quality = { exact: 2, partial: 0, estimated: 0, missing: 0 };
const half = totals({ llm_calls: 2, cost_usd: null, cost_known_usd: "0.5", unpriced_calls: 1, quality });

test("a known cost is plain, with every digit on hover", () => {
  const shown = show(<Cost totals={totals({ llm_calls: 2, cost_usd: "0.011284", quality })} />);
  expect(shown.textContent).toBe("$0.011");
  expect(screen.getByTitle("$0.011284")).toBeTruthy();
});

test("a cost that is partly known carries the tag, or says at least where a note has it", () => {
  expect(show(<Cost totals={half} />).textContent).toBe("unpriced$0.50");
  cleanup();
  expect(show(<Cost totals={half} noted />).textContent).toBe("≥$0.50");
});

test("an unknown cost is never zero", () => {
  const unknown = totals({ llm_calls: 1, cost_usd: null, unpriced_calls: 1, quality: { ...quality, exact: 1 } });
  expect(show(<Cost totals={unknown} />).textContent).toBe("unpriced");
  cleanup();
  expect(show(<Cost totals={unknown} noted />).textContent).toBe("—");
  cleanup();
  expect(show(<Cost totals={unknown} pending />).textContent).toBe("…");
});

test("what is not exact is marked, and the mark says why", () => {
  show(<Cost totals={totals({ llm_calls: 1, cost_usd: "1", quality: { ...quality, exact: 0, partial: 1 } })} />);
  expect(screen.getByRole("img").getAttribute("aria-label")).toContain("partial: Part of it is not exact");
});

test("the note tells the exact share and the calls without a price, in the reader's language", async () => {
  expect(show(<QualityNote totals={half} />).textContent).toBe("100 % exact1 unpriced");
  cleanup();
  await i18next.changeLanguage("ko");
  expect(show(<QualityNote totals={half} />).textContent).toBe("100 % 정확단가 없음 1건");
});
