// Colours of the map. Levels of service follow the HCM urban-street classes:
// speed as a share of free-flow speed. Chosen to be told apart by colour-blind
// readers too (blue-green to red through yellow, rising darkness).

export interface Step { from: number; colour: string; label: string; range?: string }

export const unknown = "#b8c2cc";

export const los: Step[] = [
  { from: 0.8, colour: "#1b9e77", label: "A", range: "> 80 %" },
  { from: 0.67, colour: "#7fbf6b", label: "B", range: "67–80 %" },
  { from: 0.5, colour: "#e0c93f", label: "C", range: "50–67 %" },
  { from: 0.4, colour: "#f0973a", label: "D", range: "40–50 %" },
  { from: 0.3, colour: "#dd5a2b", label: "E", range: "30–40 %" },
  { from: -1, colour: "#99144a", label: "F", range: "< 30 %" },
];

export const congestion: Step[] = [
  { from: 0.8, colour: "#7f1d4f", label: "> 80 %" },
  { from: 0.6, colour: "#c0392b", label: "60–80 %" },
  { from: 0.4, colour: "#ec8b3a", label: "40–60 %" },
  { from: 0.2, colour: "#e8d35a", label: "20–40 %" },
  { from: -1, colour: "#8fc1a9", label: "< 20 %" },
];

export const flow: Step[] = [
  { from: 2000, colour: "#08306b", label: "> 2000" },
  { from: 1200, colour: "#2171b5", label: "1200–2000" },
  { from: 600, colour: "#6baed6", label: "600–1200" },
  { from: 200, colour: "#9ecae1", label: "200–600" },
  { from: -1, colour: "#c6dbef", label: "< 200" },
];

/** Change of speed in km/h: blue is faster, red is slower than the base. */
export const difference: Step[] = [
  { from: 5, colour: "#08519c", label: "> +5" },
  { from: 1, colour: "#6baed6", label: "+1 … +5" },
  { from: -1, colour: "#d5dae0", label: "±1" },
  { from: -5, colour: "#ef8a62", label: "−1 … −5" },
  { from: -1e9, colour: "#b2182b", label: "< −5" },
];

const fog = ["#3b0f70", "#641a80", "#8c2981", "#b73779", "#de4968", "#f7705c", "#fe9f6d", "#fecf92", "#e9e7a6", "#c7e9c0"];
const rising = (bounds: number[]): Step[] =>
  fog.map((colour, i) => ({ from: i < bounds.length ? bounds[i] : -1, colour, label: i === 0 ? `> ${bounds[0]}` : i < bounds.length ? `${bounds[i]}–${bounds[i - 1]}` : `< ${bounds[i - 1]}` }));

/** Concentrations in µg/m³; the limits of the WHO for a day are among the bounds. */
export const no2 = rising([80, 60, 40, 30, 25, 20, 16, 13, 10]);
export const pm25 = rising([50, 35, 25, 20, 15, 12, 10, 8, 5]);

/** Returns the colour of the first step that value reaches. */
export function colourOf(steps: Step[], value: number | null): string {
  if (value === null || Number.isNaN(value)) return unknown;
  return (steps.find((s) => value >= s.from) ?? steps[steps.length - 1]).colour;
}
