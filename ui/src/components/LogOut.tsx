import { useQuery } from "@tanstack/react-query";
import { sessionQuery, useLogOut } from "../api/session";
import { useWords } from "../i18n/useWords";

/** Only where there is a login to end. */
export function LogOut() {
  const t = useWords();
  const { data } = useQuery(sessionQuery);
  const leave = useLogOut();
  if (!data?.guarded || data.who === null) return null;
  return (
    <button
      type="button"
      className="quiet"
      title={t("login.loggedInAs", { who: data.who })}
      onClick={() => leave.mutate()}
    >
      {t("login.logOut")}
    </button>
  );
}
