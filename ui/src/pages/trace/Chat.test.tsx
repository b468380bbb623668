import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeAll, expect, test } from "vitest";
import { startI18n } from "../../i18n";
import { WordsProvider } from "../../i18n/useWords";
import type { Message } from "../../model/messages";
import { Chat } from "./Chat";

beforeAll(startI18n);
afterEach(cleanup);

const say = (part: Partial<Message>): Message => ({
  role: "user",
  text: "",
  toolCalls: [],
  parts: [],
  media: [],
  ...part,
});
const show = (messages: Message[]) =>
  render(
    <WordsProvider>
      <Chat messages={messages} />
    </WordsProvider>,
  ).container;

test("markup in a message stays text", () => {
  const shown = show([say({ text: '<img src=x onerror="alert(1)">' })]);
  expect(shown.querySelector("img")).toBeNull();
  expect(shown.textContent).toContain("<img src=x");
});

test("a tool call shows its name and arguments", () => {
  show([say({ role: "assistant", toolCalls: [{ name: "place", args: '{"q":"강남역"}' }] })]);
  expect(screen.getByText("calls place")).toBeTruthy();
  expect(screen.getByText('{"q":"강남역"}')).toBeTruthy();
});

test("a long message opens on demand", () => {
  const shown = show([say({ text: "a".repeat(5_000) })]);
  expect(shown.textContent).not.toContain("a".repeat(2_000));
  fireEvent.click(screen.getByText("Show all 5,000 characters"));
  expect(shown.textContent).toContain("a".repeat(5_000));
});
