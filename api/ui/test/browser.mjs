// Drives the page in headless Chromium against a running demo: the map is
// painted, the slider moves time, a click opens a place with its chart, both
// languages are there, a signal's plan is edited, a scenario runs to its comparison. TIDEWAY names the
// binary; SCREENSHOTS a folder for pictures.
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const binary = process.env.TIDEWAY ?? "tideway";
const port = 18000 + (process.pid % 1000);
const base = `http://127.0.0.1:${port}`;
const shots = process.env.SCREENSHOTS ?? mkdtempSync(path.join(tmpdir(), "tideway-page-"));
const twin = spawn(binary, ["demo", "--listen", `127.0.0.1:${port}`], { stdio: ["ignore", "ignore", "inherit"] });
let passed = 0, failed = 0;

async function until(what, probe, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const got = await probe().catch(() => false);
    if (got) return got;
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await new Promise((r) => setTimeout(r, 100));
  }
}

async function check(name, body) {
  try {
    await body();
    passed++;
    console.log(`ok    ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL  ${name}: ${e.message}`);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  await until("the demo answers", async () => (await fetch(`${base}/readyz`)).ok);
  const page = await browser.newPage({ viewport: { width: 1400, height: 860 }, locale: "en-GB" });
  const errors = [];
  page.on("pageerror", (e) => errors.push(e.message));
  page.on("console", (m) => m.type() === "error" && errors.push(m.text()));
  await page.goto(base);
  await page.waitForSelector("body[data-ready]", { timeout: 60000 });

  await check("the map is painted from the state", async () => {
    await until("coloured pixels", async () => colours(page, 3), 60);
    await page.screenshot({ path: path.join(shots, "map.png") });
  });
  await check("the slider moves to the forecast", async () => {
    const before = await page.textContent("#when");
    await page.$eval("#time", (e) => { e.value = e.max; e.dispatchEvent(new Event("input")); });
    const after = await page.textContent("#when");
    if (before === after || !/\+\d+/.test(after)) throw new Error(`"${before}" became "${after}"`);
  });
  await check("the air is drawn, with legend and time", async () => {
    await page.selectOption("#layer", "no2");
    await until("squares of air", async () => page.evaluate(() => (window.tideway?.breathed().size ?? 0) >= 1), 60);
    const before = await page.textContent("#when");
    if (!(await page.textContent("#legend")).includes("µg/m³")) throw new Error("the legend has no unit");
    await page.$eval("#time", (e) => { e.value = e.max; e.dispatchEvent(new Event("input")); });
    await until("a later time", async () => /\+\d+/.test(await page.textContent("#when")) && before !== (await page.textContent("#when")));
    await page.screenshot({ path: path.join(shots, "air.png") });
    await page.selectOption("#layer", "los");
    await until("no air", async () => page.evaluate(() => window.tideway?.breathed().size === 0));
  });
  await check("a click on a street opens its forecast and chart", async () => {
    await openPlace(page);
    await page.screenshot({ path: path.join(shots, "place.png") });
  });
  await check("zones are listed", async () => {
    await page.click("#tabs button:nth-child(2)");
    await page.waitForSelector("#body table tbody tr");
  });
  await check("the other language is there", async () => {
    await page.click("#language");
    await until("Chinese tabs", async () => (await page.textContent("#tabs")).includes("区域"));
    await page.screenshot({ path: path.join(shots, "chinese.png") });
    await page.click("#language");
  });
  await check("a signal's plan is edited with its delay at once", async () => {
    await page.click("#tabs button:nth-child(3)");
    await page.click("#body table tbody tr:nth-child(6)");
    await page.waitForSelector("#body .grip", { timeout: 120000 });
    await page.screenshot({ path: path.join(shots, "signal.png") });
    const figures = () => page.textContent("#body .verdict");
    const before = await figures();
    await page.focus("#body .grip");
    for (let i = 0; i < 4; i++) await page.keyboard.press("ArrowLeft");
    await until("another delay", async () => (await figures()) !== before);
    if ((await page.getAttribute("#body .grip", "data-handle")) !== (await page.evaluate(() => document.activeElement.dataset.handle))) throw new Error("the handle lost the keyboard");
    const box = await page.locator("#body .grip").first().boundingBox(), keyed = await page.inputValue("#split-0");
    await page.mouse.move(box.x + box.width / 2, box.y + 20);
    await page.mouse.down();
    await page.mouse.move(box.x - 20, box.y + 20, { steps: 4 });
    await page.mouse.up();
    await until("a shorter green", async () => Number(await page.inputValue("#split-0")) < Number(keyed));
    await page.screenshot({ path: path.join(shots, "signal-edited.png") });
  });
  await check("a rule that a plan breaks is named, and the plan is not kept", async () => {
    await page.fill("#split-0", "2");
    await page.press("#split-0", "Enter");
    await until("the rule", async () => (await page.textContent('#body ul[role="alert"]')).includes("expected at least"));
    if (!(await page.isDisabled("#signal-save"))) throw new Error("it can be saved");
    await page.screenshot({ path: path.join(shots, "signal-refused.png") });
    await page.fill("#split-0", "30");
    await page.press("#split-0", "Enter");
    await until("a plan to keep", async () => page.isEnabled("#signal-save"));
  });
  await check("the edit becomes a scenario that runs", async () => {
    await page.click("#signal-save");
    await page.click("#body form.save ~ div button.primary");
    await until("a comparison", async () => (await page.textContent("#body")).includes("95 % interval"), 240);
    const changes = await page.$$eval("#body form.save ~ div td:nth-child(4)", (cells) => cells.map((c) => c.textContent));
    if (changes.every((c) => c === "0")) throw new Error("the run knows nothing of the edit");
    await page.click("#language");
    await until("Chinese", async () => (await page.textContent("#body")).includes("饱和度"), 60);
    await page.screenshot({ path: path.join(shots, "signal-chinese.png") });
    await page.click("#language");
  });
  await check("a click on a signal of the map opens it", async () => {
    await page.click("#tabs button:nth-child(2)"); // the map changes its size
    const at = await until("a signal at rest", async () => {
      const first = await page.evaluate(() => window.tideway.signal());
      const then = await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => done(window.tideway.signal()))));
      return first && first.x === then?.x && first.y === then?.y && then;
    });
    const map = await page.locator("#map").boundingBox();
    await page.mouse.click(map.x + at.x, map.y + at.y);
    await until("its plan", async () => (await page.textContent("#body h2")).includes(at.id) && page.isVisible("#body .grip"));
    await page.click("#tabs button:nth-child(1)");
  });
  await check("a scenario is run and compared", async () => {
    await page.click("#tabs button:nth-child(4)");
    await page.click("#body table tbody tr");
    await page.click("#body button.primary");
    await page.waitForSelector("#body td.n.better, #body td.n.worse, #body td.n", { timeout: 120000 });
    await until("a comparison", async () => (await page.textContent("#body")).includes("95 % interval"), 120);
    const report = await page.request.get(base + (await page.getAttribute('#body a[href$="/report"]', "href")));
    if (!(await report.text()).includes("</html>")) throw new Error(`the report answers ${report.status()}`);
    await page.screenshot({ path: path.join(shots, "scenario.png") });
  });
  await check("better plans are looked for", async () => {
    await page.selectOption("#optimise-signal", { index: 1 });
    await page.fill("#optimise-signal >> xpath=../following-sibling::label//input", "20");
    await page.click("#optimise");
    await until("a verdict", async () => /Better, certain|No change/.test(await page.textContent("#body")), 600);
    await page.screenshot({ path: path.join(shots, "optimise.png"), fullPage: true });
  });
  await check("no error reached the console", async () => {
    if (errors.length) throw new Error(errors.slice(0, 5).join(" | "));
  });
} catch (e) {
  failed++;
  console.log(`FAIL  ${e.message}`);
} finally {
  await browser.close();
  twin.kill("SIGTERM");
}
console.log(`${passed} passed, ${failed} failed (pictures in ${shots})`);
process.exit(failed ? 1 : 0);

/** Counts how many level-of-service colours the segments carry. */
async function colours(page, least) {
  return page.evaluate((n) => (window.tideway?.painted().size ?? 0) >= n, least);
}

/** Clicks a street that the map says is visible. */
async function openPlace(page) {
  const at = await until("a street on screen", () => page.evaluate(() => window.tideway?.somewhere()));
  const box = await page.locator("#map").boundingBox();
  await page.mouse.click(box.x + at[0], box.y + at[1]);
  await page.waitForSelector("#body .chart canvas", { timeout: 20000 });
}
