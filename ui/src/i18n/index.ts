import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { en } from "./en";
import { ko } from "./ko";

export const LANGUAGES = ["en", "ko"] as const;
export type Language = (typeof LANGUAGES)[number];
const STORED = "everytoken.language";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "words";
    resources: { words: typeof en };
  }
}

/** The language chosen before, else the first of the browser's that we speak. */
function preferred(): Language {
  const candidates = [localStorage.getItem(STORED), ...navigator.languages.map((language) => language.slice(0, 2))];
  return (
    LANGUAGES.find((language) => language === candidates.find((name) => LANGUAGES.includes(name as Language))) ?? "en"
  );
}

export function startI18n(): void {
  const language = preferred();
  void i18next.use(initReactI18next).init({
    lng: language,
    fallbackLng: "en",
    defaultNS: "words",
    resources: { en: { words: en }, ko: { words: ko } },
    interpolation: { escapeValue: false }, // React escapes
  });
  document.documentElement.lang = language;
}

export function setLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
  document.documentElement.lang = language;
  void i18next.changeLanguage(language);
}
