import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client";
import { sessionQuery } from "./api/session";
import { startI18n } from "./i18n";
import { WordsProvider } from "./i18n/useWords";
import { LoginGate } from "./pages/login/LoginGate";
import { router } from "./router";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/tables.css";
import "./styles/trace.css";
import "./styles/detail.css";
import "./styles/dashboard.css";
import "./styles/releases.css";
import "./styles/compare.css";
import "./styles/forms.css";
import "./styles/list.css";
import "./styles/login.css";

const TRIES = 2;
const queries = new QueryClient({
  queryCache: new QueryCache({
    // A login that has ended shows as a refusal, whichever page asked: then it is time to ask who is there.
    onError: (error) => {
      if (error instanceof ApiError && error.status === 401) {
        void queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
      }
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A request that was wrong stays wrong; one that met no server or a full one may be right the next time.
      retry: (failures, error) =>
        failures < TRIES && !(error instanceof ApiError && error.status !== null && error.status < 500),
      retryDelay: (failures) => 300 * 2 ** failures,
    },
  },
});

startI18n();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <WordsProvider>
          <LoginGate>
            <RouterProvider router={router} />
          </LoginGate>
        </WordsProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
