import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import type { SessionState } from "../../api/session";
import { startI18n } from "../../i18n";
import { WordsProvider } from "../../i18n/useWords";
import { LoginPage } from "./LoginPage";

const closed: SessionState = {
  guarded: true,
  logged_in: false,
  who: null,
  scopes: [],
  projects: null,
  has_users: false,
};

function shown(state: SessionState): string {
  startI18n();
  return renderToStaticMarkup(
    <QueryClientProvider client={new QueryClient()}>
      <WordsProvider>
        <LoginPage state={state} />
      </WordsProvider>
    </QueryClientProvider>,
  );
}

test("without users it asks for a key, hidden while it is typed", () => {
  const page = shown(closed);
  expect(page).toMatch(/<input(?=[^>]*name="key")(?=[^>]*type="password")/);
  expect(page).not.toContain('name="password"');
});

test("with users it asks for name and password, and offers the key", () => {
  const page = shown({ ...closed, has_users: true });
  expect(page).toMatch(/<input(?=[^>]*name="password")(?=[^>]*type="password")/);
  expect(page).toContain('aria-pressed="true"');
  expect(page).not.toContain('name="key"');
});
