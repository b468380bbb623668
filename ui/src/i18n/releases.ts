/** The words of releases: what was deployed, and since when it makes calls. */

export const releasesEn = {
  began: "A release begins",
  marks: "Releases that begin here",
  count: "{{count}} releases",
  first: "first seen",
  calls_one: "{{calls}} call",
  calls_other: "{{calls}} calls",
  more: "and {{count}} more",
  truncated: "Only the newest releases are marked.",
};

export const releasesKo: typeof releasesEn = {
  began: "릴리스 시작",
  marks: "여기서 시작한 릴리스",
  count: "릴리스 {{count}}개",
  first: "처음 확인",
  calls_one: "호출 {{calls}}건",
  calls_other: "호출 {{calls}}건",
  more: "그 밖 {{count}}개",
  truncated: "최근 릴리스만 표시합니다.",
};
