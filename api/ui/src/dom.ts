// Small helpers that build elements. Text is always set as text, never as HTML.

type Child = Node | string | null | undefined | false;

/** Returns an element with attributes (on… are listeners) and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Record<string, string | number | boolean | EventListener> = {}, ...children: Child[]
): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false) e.setAttribute(name, String(value));
  }
  e.append(...children.filter((c): c is Node | string => c instanceof Node || typeof c === "string"));
  return e;
}

/** Returns a list of names and values. */
export function facts(rows: [string, string][]): HTMLElement {
  return h("dl", { class: "facts" }, ...rows.flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]));
}

export interface Cell { text: string; class?: string }

/** Returns a table; columns whose head starts with # are numbers. */
export function table(heads: string[], rows: { cells: (string | Cell)[]; onPick?: () => void }[]): HTMLTableElement {
  const numeric = heads.map((x) => x.startsWith("#"));
  const head = h("tr", {}, ...heads.map((x, i) => h("th", { class: numeric[i] ? "n" : "" }, x.replace(/^#/, ""))));
  const body = rows.map((r) => {
    const cells = r.cells.map((c, i) => {
      const cell = typeof c === "string" ? { text: c } : c;
      return h("td", { class: [numeric[i] ? "n" : "", cell.class ?? ""].join(" ").trim() }, cell.text);
    });
    const row = h("tr", { class: r.onPick ? "pick" : "" }, ...cells);
    if (r.onPick) {
      row.tabIndex = 0;
      row.addEventListener("click", r.onPick);
      row.addEventListener("keydown", (e) => e.key === "Enter" && r.onPick!());
    }
    return row;
  });
  return h("table", {}, h("thead", {}, head), h("tbody", {}, ...body));
}
