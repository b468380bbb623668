import { describe, expect, test } from "vitest";
import { amountText, bodyOf, courseOf, levelsOf, NEW_DRAFT, reached, windowsOf, withKind } from "./alerts";

describe("alerts", () => {
  test("a value is written with its unit", () => {
    const written = [
      ["12.3", "usd", "$12.30"],
      ["0.0004", "usd", "$0.0004"],
      ["0", "usd", "$0.00"],
      ["0.0451", "usd", "$0.045"],
      ["1840000", "tokens", "1.84 M"],
      ["95.456", "percent", "95.46 %"],
      ["20", "points", "20"],
      ["1200", "ms", "1.20 s"],
      ["1234", "calls", "1,234"],
    ] as const;
    for (const [value, unit, text] of written) expect(amountText(value, unit)).toBe(text);
  });

  test("another kind brings a window it may have and a usual limit", () => {
    const draft = withKind(NEW_DRAFT, "error_rate");
    expect([draft.window, draft.limit]).toEqual(["15m", "5"]);
    expect(withKind(draft, "projection").window).toBe("month");
    expect(withKind(NEW_DRAFT, "cost").window).toBe("day");
    expect(windowsOf("anomaly")).toEqual(["1h"]);
  });

  test("a form sends numbers it can read and leaves out targets only begun", () => {
    const body = bodyOf({
      ...NEW_DRAFT,
      name: " Day ",
      limit: "1,000.50",
      targets: [
        { id: 0, kind: "slack", address: "  " },
        { id: 1, kind: "email", address: " a@b.kr " },
        { id: 2, kind: "webhook", address: "https://x/…", targetId: "t1" },
      ],
    });
    expect([body.name, body.limit, body.levels, body.scope_key]).toEqual(["Day", "1000.50", [50, 80, 100], null]);
    expect(body.targets).toEqual([
      { target_id: null, kind: "email", address: "a@b.kr" },
      { target_id: "t1", kind: "webhook", address: null },
    ]);
    expect(levelsOf("100, 50 x 50")).toEqual([50, 100]);
  });

  test("the bar shows the share of the limit, and none where less is worse", () => {
    expect(reached({ kind: "cost", value: "5", value_limit: "10", limit: "10" })).toBe(0.5);
    expect(reached({ kind: "cost", value: "50", value_limit: "10", limit: "10" })).toBe(1);
    expect(reached({ kind: "coverage", value: "50", value_limit: "90", limit: "90" })).toBeNull();
    expect(reached({ kind: "cost", value: null, value_limit: null, limit: "10" })).toBeNull();
  });

  test("what is not known is a gap in the course, not a zero", () => {
    const course = courseOf(
      {
        from_us: 0,
        to_us: 100,
        course: [
          { at_us: 0, value: "5", limit: "10" },
          { at_us: 50, value: null, limit: "10" },
          { at_us: 100, value: "10", limit: "10" },
        ],
      },
      100,
      110,
    );
    expect(course.value).toBe("M0.0 60.0M100.0 10.0");
    expect(course.limit).toBe("M0.0 10.0L50.0 10.0L100.0 10.0");
  });
});
