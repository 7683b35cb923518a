import { describe, expect, it } from "vitest";
import { merge } from "./chart";
import { colourOf, los, unknown } from "./colour";
import { dictionaries, indicator, measure, setLanguage } from "./i18n";
import { adjust, begins, changed, cycleOf, handles, move, set, timing } from "./timing";
import type { Plan } from "./api";

describe("dictionaries", () => {
  it("hold the same keys with text in both languages", () => {
    expect(Object.keys(dictionaries.zh).sort()).toEqual(Object.keys(dictionaries.en).sort());
    for (const d of Object.values(dictionaries)) for (const text of Object.values(d)) expect(text).not.toBe("");
  });
});

describe("names of the API", () => {
  it("are told in the reader's language, unknown ones as they are", () => {
    setLanguage("zh");
    expect([indicator("delay.bus"), measure("speed"), indicator("brand_new")]).toEqual(["延误, 公交车", "速度", "brand new"]);
    setLanguage("en");
    expect([indicator("delay"), measure("pm25")]).toEqual(["delay", "PM2.5"]);
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

describe("an edited plan", () => {
  const stage = (duration_s: number) => ({ name: "", duration_s, min_s: 5, states: "" });
  const fixed: Plan = { id: "p", kind: "fixed", cycle_s: 60, offset_s: 4, phases: [], stages: [stage(30), stage(4), stage(22), stage(4)] };
  const phase = (n: number, ring: number, barrier: number, position: number, split_s: number) =>
    ({ phase: n, ring, barrier, position, groups: [], split_s, min_green_s: 5, yellow_s: 3, all_red_s: 1, coordinated: false });
  const rings: Plan = { id: "r", kind: "ring_barrier", cycle_s: 80, offset_s: 0, stages: [], phases: [phase(1, 1, 1, 1, 15), phase(2, 1, 1, 2, 30), phase(4, 1, 2, 1, 35), phase(6, 2, 1, 1, 45), phase(8, 2, 2, 1, 35)] };

  it("trades seconds between greens, as far as the shortest allow", () => {
    const tm = timing(fixed, [8, 0, 6, 0]);
    const [h] = handles(tm);
    expect([h.at, handles(tm).length]).toEqual([30, 1]);
    expect(move(tm, h, 5).blocks.map((b) => b.seconds)).toEqual([35, 4, 17, 4]);
    expect(move(tm, h, 99).blocks.map((b) => b.seconds)).toEqual([46, 4, 6, 4]);
    expect(move(tm, h, -99).blocks[0].seconds).toBe(8);
    expect(cycleOf(move(tm, h, 5))).toBe(60);
  });

  it("says what a signal.adjust has to say and nothing else", () => {
    const tm = timing(fixed, [8, 0, 6, 0]);
    expect(changed(tm)).toBe(false);
    expect(adjust(set(tm, 0, 40))).toEqual({ plan: "p", split: [{ stage: 1, duration_s: 40 }], cycle_s: 70 });
    expect(adjust({ ...tm, offset: 9 })).toEqual({ plan: "p", offset_s: 9 });
  });

  it("moves barriers in all rings at once", () => {
    const tm = timing(rings, [9, 9, 9, 9, 9]);
    expect(begins(tm)).toEqual([0, 15, 45, 0, 45]);
    const barrier = handles(tm).find((h) => h.ring === null)!;
    expect(move(tm, barrier, -5).blocks.map((b) => b.seconds)).toEqual([15, 25, 40, 40, 40]);
    const inner = handles(tm).find((h) => h.ring === 0)!;
    expect(move(tm, inner, 3).blocks.map((b) => b.seconds)).toEqual([18, 27, 35, 45, 35]);
  });
});
