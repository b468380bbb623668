/** The words of explaining a number. */

export const explainEn = {
  of_one: "{{calls}} billed request",
  of_other: "{{calls}} billed requests",
  calls: "in {{calls}} calls",
  source: "{{entry}}, {{source}}",
  including: "{{value}} of it {{part}}",
  rest: "prices not listed here",
  rounding: "rounding of charges",
  notes: {
    unpriced: "not in this number, no price",
    running: "not in this number, still running",
    approximate: "priced approximately",
    usage: "usage not exact",
    settlement: "noticed while counting",
  },
  bucket: "{{from}} to {{to}}, explained",
  closeBucket: "Close the explanation",
  prices: "Show prices",
  tagged: "A call counts under each of its tags, so that tags add up to more than the whole.",
  priceChange: "A price was changed",
  priceChanges: "price changed",
};

export const explainKo: typeof explainEn = {
  of_one: "청구된 요청 {{calls}}건",
  of_other: "청구된 요청 {{calls}}건",
  calls: "호출 {{calls}}건",
  source: "{{entry}}, 출처 {{source}}",
  including: "{{part}} {{value}} 포함",
  rest: "여기에 없는 가격",
  rounding: "청구 반올림",
  notes: {
    unpriced: "이 금액에 없음, 가격 없음",
    running: "이 금액에 없음, 실행 중",
    approximate: "근사한 가격으로 계산",
    usage: "사용량이 정확하지 않음",
    settlement: "집계하며 발견한 점",
  },
  bucket: "{{from}} ~ {{to}} 설명",
  closeBucket: "설명 닫기",
  prices: "가격 보기",
  tagged: "호출은 붙은 태그마다 집계하므로 태그의 합이 전체보다 클 수 있습니다.",
  priceChange: "가격이 바뀌었습니다",
  priceChanges: "가격 변경",
};
