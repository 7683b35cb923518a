import { describe, expect, it } from "vitest";
import { merge } from "./chart";
import { colourOf, los, unknown } from "./colour";
import { dictionaries } from "./i18n";

describe("dictionaries", () => {
  it("hold the same keys with text in both languages", () => {
    expect(Object.keys(dictionaries.zh).sort()).toEqual(Object.keys(dictionaries.en).sort());
    for (const d of Object.values(dictionaries)) for (const text of Object.values(d)) expect(text).not.toBe("");
  });
});

describe("colours", () => {
  it("follow the levels of service", () => {
    expect(colourOf(los, 0.81)).toBe(los[0].colour);
    expect(colourOf(los, 0.29)).toBe(los[5].colour);
    expect(colourOf(los, null)).toBe(unknown);
  });
});

describe("chart data", () => {
  it("lays all sources on one rising time axis", () => {
    const d = merge(
      [{ at: "2026-01-01T00:05:00Z", value: 2 }, { at: "2026-01-01T00:00:00Z", value: 1 }],
      [{ at: "2026-01-01T00:05:00Z", value: 9 }],
      [{ at: "2026-01-01T00:10:00Z", value: 5, lo: 4, hi: 6 }],
    );
    expect(d.at.map((s) => s % 3600)).toEqual([0, 300, 600]);
    expect(d.measured).toEqual([1, 2, null]);
    expect(d.typical).toEqual([null, 9, null]);
    expect(d.hi).toEqual([null, null, 6]);
  });
});
