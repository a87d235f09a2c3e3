// Look at every built page in Chromium: node check.mjs DIR [PAGE …]
//
// Each page is opened wide, dark and at a telephone's width, with every request but those to this
// program refused. What a reader would stumble over is printed, and fails the check.
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const MODES = [
  { name: 'wide', viewport: { width: 1280, height: 900 }, axe: true, fits: true },
  { name: 'dark', viewport: { width: 1280, height: 900 }, colorScheme: 'dark', axe: true, fits: true },
  { name: 'narrow', viewport: { width: 390, height: 844 }, isMobile: true, deviceScaleFactor: 2 },
];
// With `fits` a formula must not need more than its box. On a telephone it may scroll there. Code may
// scroll at any width, as long as chapters hold lines of more than 79 columns: such boxes are counted.
const scrolling = Object.fromEntries(MODES.map(({ name }) => [name, { formula: 0, code: 0 }]));
const PATIENCE = 120_000; // milliseconds; a slow machine is no fault of the page
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.json': 'application/json',
  '.woff2': 'font/woff2', '.woff': 'font/woff', '.ttf': 'font/ttf',
};
// The theme's own, on every page, in parts that the book does not write.
const THEME_RULES = ['label-content-name-mismatch', 'region'];
// Markdown has no other way to leave the corner of a table with two headings empty.
const TABLE_RULES = ['empty-table-header'];
const THEME_PARTS = ['.bd-sidebar-primary', '.bd-header-article', '.bd-sidebar-secondary', '.prev-next-footer', '#bibliography', '.citation-list', '.toggle-hidden', '.copybtn', '.search-button__wrapper'];

const [folder, ...chosen] = process.argv.slice(2);
const root = path.resolve(folder);
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

function pagesIn(directory) {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(directory, entry.name);
    if (entry.name.startsWith('_') || entry.name.startsWith('.')) return [];
    if (entry.isDirectory()) return pagesIn(full);
    return entry.name.endsWith('.html') ? [path.relative(root, full)] : [];
  });
}

const server = http.createServer((request, response) => {
  const file = path.join(root, path.normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname)));
  fs.readFile(file, (error, bytes) => {
    response.writeHead(error ? 404 : 200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
    response.end(error ? '' : bytes);
  });
});

// Runs in the page: what is drawn wrongly there.
function look() {
  const faults = [];
  const undrawn = [...document.querySelectorAll('.math, .output.text_latex')]
    .filter((one) => !one.querySelector('mjx-container') && !one.closest('mjx-container'));
  for (const one of undrawn.slice(0, 3)) faults.push(`a formula is not drawn: ${one.textContent.trim().slice(0, 60)}`);
  for (const one of document.querySelectorAll('mjx-merror, [data-mjx-error]')) {
    faults.push(`a formula is wrong: ${(one.getAttribute('data-mjx-error') || one.textContent).slice(0, 80)}`);
  }
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { data, parentElement } = walk.currentNode;
    if (parentElement.closest('script, style, pre, code, mjx-container')) continue;
    if (/\\\(|\\\[|\$\$|\\begin\{|\\frac/.test(data)) faults.push(`TeX stands in the text: ${data.trim().slice(0, 60)}`);
  }
  for (const image of document.querySelectorAll('article img')) {
    if (image.complete && !image.naturalWidth) faults.push(`a picture is not shown: ${image.getAttribute('src')}`);
  }
  const beyond = document.documentElement.scrollWidth - window.innerWidth;
  if (beyond > 0) {
    const wide = [...document.querySelectorAll('article *')].find((one) => one.getBoundingClientRect().right > window.innerWidth + 1);
    faults.push(`the page is ${beyond} px wider than the window: ${wide?.tagName} ${wide?.className}`);
  }
  return faults;
}

// Runs in the page: the formulas and the lines of code that need more than their box, folded ones
// included. `cut` says that nothing scrolls there, so that the reader cannot see the rest.
async function measure() {
  for (const one of document.querySelectorAll('article details')) one.open = true;
  for (const one of document.querySelectorAll('article .toggle-hidden')) one.classList.remove('toggle-hidden');
  await new Promise((ready) => setTimeout(() => requestAnimationFrame(ready), 100)); // the page's own scripts
  const SCROLLS = ['auto', 'scroll'];
  const tex = new Map([...window.MathJax?.startup?.document?.math ?? []].map((one) => [one.typesetRoot, one.math]));
  const found = [];
  const note = (kind, by, box, text) => {
    // The nearest ancestor that clips or scrolls decides what of the drawing can be seen.
    let clip = box;
    while (clip && clip.tagName !== 'ARTICLE' && getComputedStyle(clip).overflowX === 'visible') clip = clip.parentElement;
    const scrolls = SCROLLS.includes(getComputedStyle(clip).overflowX);
    found.push({ kind, text: text.trim().replace(/\s+/g, ' '), by: Math.ceil(by), cut: !scrolls });
  };
  for (const formula of document.querySelectorAll('article mjx-container')) {
    const picture = formula.querySelector('svg');
    if (!picture) continue;
    // An inline formula may need its whole line, which is as wide as the block that holds it.
    let box = formula.parentElement;
    while (getComputedStyle(box).display === 'inline') box = box.parentElement;
    const { left, right, width } = picture.getBoundingClientRect();
    const style = getComputedStyle(box);
    const from = box.getBoundingClientRect().left + box.clientLeft - box.scrollLeft + parseFloat(style.paddingLeft);
    const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    const beyond = Math.max(width - room, right - from - room, from - left);
    if (width && beyond > 1) note('formula', beyond, box, tex.get(formula) ?? '');
  }
  for (const code of document.querySelectorAll('article pre')) {
    const beyond = code.scrollWidth - code.clientWidth;
    if (code.clientWidth && beyond > 1) note('code', beyond, code, code.textContent);
  }
  return found;
}

async function checkAccess(page) {
  await page.evaluate(axe); // as code of the check, so that it is no request of the page
  const found = await page.evaluate(
    ([rules, parts]) => window.axe.run(
      { exclude: parts.filter((part) => document.querySelector(part)).map((part) => [part]) },
      { rules: Object.fromEntries(rules.map((rule) => [rule, { enabled: false }])), resultTypes: ['violations'] },
    ),
    [[...THEME_RULES, ...TABLE_RULES], THEME_PARTS],
  );
  return found.violations.map((one) => `accessibility, ${one.id}: ${one.nodes.length} times, as in ${one.nodes[0].html.slice(0, 100)}`);
}

async function check(browser, base, file, { name, axe: access, fits, ...options }) {
  const context = await browser.newContext(options);
  const faults = [];
  try {
    await context.route('**/*', (route) => {
      const url = route.request().url();
      if (url.startsWith(base) || url.startsWith('data:') || url.startsWith('blob:')) return route.continue();
      faults.push(`asks the network for ${url}`);
      return route.abort();
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on('console', (message) => message.type() === 'error' && faults.push(`console: ${message.text().slice(0, 160)}`));
    page.on('pageerror', (error) => faults.push(`script: ${error.message.slice(0, 160)}`));
    page.on('response', (answer) => answer.status() >= 400 && faults.push(`${answer.status()} for ${answer.url().replace(base, '')}`));
    await page.goto(`${base}/${file}`, { waitUntil: 'load', timeout: PATIENCE });
    await page.waitForFunction(() => !document.querySelector('.math, .output.text_latex') || window.MathJax?.startup?.promise);
    await page.evaluate(() => window.MathJax?.startup?.promise);
    faults.push(...await page.evaluate(look));
    if (access) faults.push(...await checkAccess(page));
    for (const { kind, text, by, cut } of await page.evaluate(measure)) {
      const what = kind === 'code' ? 'a line of code' : 'a formula';
      const told = `${what} is ${by} px wider than its box: ${text.slice(0, 60)}`;
      if (cut) faults.push(`${told}; nothing scrolls there`);
      else if (kind === 'formula' && fits) faults.push(told);
      else scrolling[name][kind] += 1;
    }
  } finally {
    await context.close();
  }
  return [...new Set(faults)].map((fault) => `${file} (${name}): ${fault}`);
}

await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const base = `http://127.0.0.1:${server.address().port}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  timeout: PATIENCE,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
// The index beside the book's folder only sends its reader on.
const sendsOn = (file) => /http-equiv="?refresh/i.test(fs.readFileSync(path.join(root, file), 'utf8'));
const pages = chosen.length ? chosen : pagesIn(root).filter((file) => !sendsOn(file));
let passed = 0;
let failed = 0;
for (const file of pages) {
  for (const mode of MODES) {
    const faults = await check(browser, base, file, mode);
    faults.forEach((fault) => console.log(fault));
    if (faults.length) failed += 1;
    else passed += 1;
  }
}
await browser.close();
server.close();
console.log(`browser: ${pages.length} pages, each wide, dark and narrow`);
for (const [name, { formula, code }] of Object.entries(scrolling)) {
  console.log(`${name}: ${formula} formulas and ${code} boxes of code scroll sideways`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
