// Look at every built page in Chromium: node check.mjs DIR [PAGE …] [site]
//
// Each page is opened wide, dark and at a telephone's width, from a folder below the server's root,
// with every request but those to this program refused. The wide one is walked through with the Tab
// key and laid out for print. Without a PAGE, or for `site`, the search is asked, old addresses are
// followed, and some pages are opened as files. What a reader would stumble over is printed, and fails
// the check.
import http from 'node:http';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const MODES = [
  { name: 'wide', viewport: { width: 1280, height: 900 }, axe: true, fits: true, keys: true, print: true },
  { name: 'dark', viewport: { width: 1280, height: 900 }, colorScheme: 'dark', axe: true, fits: true },
  { name: 'narrow', viewport: { width: 390, height: 844 }, isMobile: true, deviceScaleFactor: 2 },
];
// With `fits` a formula must not need more than its box. On a telephone it may scroll there. Code may
// scroll at any width, as long as chapters hold lines of more than 79 columns: such boxes are counted.
const scrolling = Object.fromEntries([...MODES.map(({ name }) => name), 'as a file'].map((name) => [name, { formula: 0, code: 0 }]));
const MOST = 4; // pages at a time; each takes some hundred megabytes
const PATIENCE = 120_000; // milliseconds; a slow machine is no fault of the page
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.json': 'application/json',
  '.woff2': 'font/woff2', '.woff': 'font/woff', '.ttf': 'font/ttf',
};
// A sheet of A4 without its margins; the print's font is as large as the screen's.
const SHEET = { width: 718, height: 1000 };
const STOPS = 1500; // of the Tab key on one page, at most
const AT_ONCE = 50; // keys that are sent before it is asked whether they came to the end
// What a reader looks for, and the page that should come first.
const SEARCHES = {
  'vanishing gradient': 'book/06-vanishing.html',
  'lan truyền ngược': 'book/vi-index.html',
  'lan truyen nguoc': 'book/vi-index.html',
  'LSTM': 'book/06-vanishing.html',
  'BPTT': 'book/04-bptt.html',
  'complexity': 'book/13-counting.html',
  'forecasting equation': 'book/08-sunspots.html',
  'sunspots': 'book/08-sunspots.html',
  'Coq': 'book/H-coq.html',
  'prediction interval': 'book/11-horizon.html',
  'O(N)': 'book/13-counting.html',
};
// What is marked in the first page's excerpt.
const QUOTES = {
  'vanishing gradient': 'vanishing gradient',
  'lan truyền ngược': 'lan truyền ngược',
  'lan truyen nguoc': 'lan truyền ngược',
};
// What the walk with the Tab key says of faults that are planted in a small page.
const PLANTS = [
  ['', '<a href="#x">a link</a><button disabled>off</button><button hidden>away</button>'],
  ['no ring shows', '<button style="outline: none">plain</button>'],
  ['stops outside', '<a href="#x" style="position: fixed; left: -999px">aside</a>'],
  ['what is not shown', '<a href="#x" style="display: block; height: 0; overflow: hidden">flat</a>'],
  ['what has no name', '<button></button>'],
  ['stops in a formula', '<mjx-container tabindex="0">x</mjx-container>'],
  ['does not reach', '<button tabindex="-1">left out</button>'],
  ['does not reach', '<a href="#y">first</a><button onfocus="this.blur()">shy</button>'],
  ['stays at', '<textarea onkeydown="event.preventDefault()" aria-label="trap"></textarea>'],
  ['stays at', '<a href="#y">first</a><button>one</button><button onblur="this.previousSibling.focus()">two</button>'],
  ['stops and more', '<button>again</button>'.repeat(2 * AT_ONCE)],
];
const FILES = ['book/index.html', 'book/01-forward.html', 'book/vi-index.html'];

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

// The site may stand anywhere below an address, as the pages of a repository do.
const BELOW = '/some/where';
const server = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://x');
  const inside = pathname.startsWith(`${BELOW}/`);
  const file = inside ? path.join(root, path.normalize(decodeURIComponent(pathname.slice(BELOW.length)))) : '';
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
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.map((one) => `accessibility, ${one.id}: ${one.nodes.length} times, as in ${one.nodes[0].html.slice(0, 100)}`);
}

// Runs in the page before the walk with the Tab key: each stop is looked at when the next key comes,
// before that key moves on. Going there, the browser has laid out the page, so that it costs little
// to ask where things stand.
function watch() {
  const stops = new Map(); // each element where the key stopped, in order, and what is wrong with it
  const tell = (one) => one.outerHTML.slice(0, 90);
  const sized = ({ width, height }) => width > 0 && height > 0;
  const look = (one) => {
    const faults = [];
    const style = getComputedStyle(one);
    const box = one.getBoundingClientRect();
    const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== 'none';
    const called = one.getAttribute('aria-label') || one.innerText || one.title || one.querySelector('img')?.alt || '';
    if (!sized(box) || !one.checkVisibility({ visibilityProperty: true })) faults.push('the Tab key stops at what is not shown');
    else if (box.right <= 0 || box.bottom <= 0 || box.left >= window.innerWidth || box.top >= window.innerHeight) {
      faults.push('the Tab key stops outside the window');
    } else if (!ring) faults.push('no ring shows that the keyboard is at');
    if (!called.trim() && one.tagName !== 'INPUT') faults.push('the Tab key stops at what has no name');
    if (one.closest('mjx-container')) faults.push('the Tab key stops in a formula');
    return faults.map((fault) => `${fault}: ${tell(one)}`);
  };
  // What a reader can use with the mouse, and was no stop: the first three.
  const missed = () => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
    .filter((one) => !stops.has(one) && !one.disabled && one.checkVisibility({ visibilityProperty: true }) && sized(one.getBoundingClientRect()))
    .slice(0, 3)
    .map((one) => `the Tab key does not reach: ${tell(one)}`);
  let begun = false;
  let ended = '';
  const note = () => {
    const one = document.activeElement;
    if (!begun) begun = true;
    else if (ended) return;
    else if (!one || one === document.body) ended = 'left';
    else if (!stops.has(one)) stops.set(one, look(one));
    else ended = stops.size > 1 && one === stops.keys().next().value ? 'begins again' : `stays at, or goes back to: ${tell(one)}`;
  };
  // Nothing glides to its place: it would not have come there before the next key.
  const still = document.createElement('style');
  still.textContent = '*, ::before, ::after { transition: none !important; scroll-behavior: auto !important; }';
  document.head.append(still);
  window.addEventListener('keydown', note, true);
  window.scrollTo(0, 0);
  document.activeElement?.blur();
  window.walk = {
    over: () => Boolean(ended),
    faults: () => {
      window.removeEventListener('keydown', note, true);
      still.remove();
      if (!ended) return [`the Tab key has ${stops.size} stops and more`];
      const held = ended.startsWith('stays') ? [`the Tab key ${ended}`] : [];
      return [...held, ...[...stops.values()].flat(), ...missed()];
    },
  };
}

// From the first stop of the Tab key to the last: each can be seen to be the one, and has a name;
// what can be used and what scrolls sideways is among them, and a formula that does not is not.
// The keys are sent many at a time, as if the key was held down.
async function walk(page, most = STOPS) {
  await page.evaluate(watch);
  for (let pressed = 0; pressed < most && !await page.evaluate(() => window.walk.over()); pressed += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => page.keyboard.press('Tab')));
  }
  return page.evaluate(() => window.walk.faults());
}

// Does the walk see what it is there to see, and nothing where all is well?
async function checkWalk(browser) {
  const faults = [];
  const page = await browser.newPage();
  for (const [wanted, planted] of PLANTS) {
    await page.setContent(`<!doctype html><body>${planted}<p><a href="#end">the end</a></p></body>`);
    const seen = await walk(page, 2 * AT_ONCE);
    if (wanted ? !seen.some((one) => one.includes(wanted)) : seen.length) {
      faults.push(`the walk should say "${wanted}" of ${planted.slice(0, 80)}, and says "${seen.join('; ').slice(0, 200)}"`);
    }
  }
  await page.close();
  return faults;
}

// Runs in the page: what scrolls sideways and cannot be reached with the keyboard.
function unreached() {
  return [...document.querySelectorAll('article *')]
    .filter((box) => box.clientWidth && box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(box).overflowX))
    .filter((box) => box.tabIndex < 0 && !box.querySelector('a[href], button, [tabindex="0"]') && !box.closest('mjx-container'))
    .map((box) => `scrolls sideways, and the keyboard does not reach it: ${box.outerHTML.slice(0, 80)}`);
}

// Runs in a page laid out for print: what is cut, closed, or of no use on paper.
function lookAtPrint() {
  const faults = [];
  const told = (why, one) => faults.push(`in print, ${why}: ${(one.textContent || one.outerHTML).trim().replace(/\s+/g, ' ').slice(0, 60)}`);
  const edge = document.documentElement.clientWidth + 1;
  const styled = (one) => getComputedStyle(one);
  for (const code of document.querySelectorAll('article pre')) {
    if (code.clientWidth && code.scrollWidth > code.clientWidth + 1) told('a line of code is cut', code);
    // Code that may not be split leaves an empty box, and begins on the next sheet.
    if (styled(code).breakInside === 'avoid') told('code may not be split', code);
  }
  for (const formula of document.querySelectorAll('article mjx-container > svg')) {
    const { right, width } = formula.getBoundingClientRect();
    if (width && right > edge) told(`a formula is ${Math.ceil(right - edge)} px beyond the sheet`, formula.closest('.math, .output') ?? formula);
  }
  for (const fold of document.querySelectorAll('article details, article .admonition.toggle')) {
    const inner = [...fold.children].filter((one) => !one.matches('summary, .admonition-title') && one.textContent.trim());
    if (inner.some((one) => one.getClientRects().length === 0 || styled(one).visibility === 'hidden' || one.getBoundingClientRect().height < 2)) told('a folded part stays closed', fold);
  }
  for (const one of document.querySelectorAll('button, .bd-sidebar-primary, .bd-sidebar-secondary, .prev-next-footer')) {
    if (one.getClientRects().length && styled(one).visibility !== 'hidden') told('of no use on paper', one);
  }
  for (const one of document.querySelectorAll('article div.math')) {
    if (styled(one).breakInside !== 'avoid') told('a formula may be split', one);
    const before = one.previousElementSibling;
    if (before?.tagName === 'P' && styled(before).breakAfter !== 'avoid') told('a formula may stand apart from its sentence', one);
  }
  return [...new Set(faults)];
}

async function print(page) {
  await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize(SHEET);
  await page.waitForTimeout(100);
  return page.evaluate(lookAtPrint);
}

async function check(browser, base, file, { name, axe: access, fits, keys, print: paper, ...options }) {
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
    if (keys) faults.push(...await walk(page));
    if (paper) {
      // On a page of its own the folds are as a reader leaves them.
      faults.push(...await print(page));
      await page.emulateMedia({ media: null });
      await page.evaluate(() => window.dispatchEvent(new Event('afterprint')));
      await page.setViewportSize(options.viewport);
    }
    for (const { kind, text, by, cut } of await page.evaluate(measure)) {
      const what = kind === 'code' ? 'a line of code' : 'a formula';
      const told = `${what} is ${by} px wider than its box: ${text.slice(0, 60)}`;
      if (cut) faults.push(`${told}; nothing scrolls there`);
      else if (kind === 'formula' && fits) faults.push(told);
      else scrolling[name][kind] += 1;
    }
    await page.waitForTimeout(100); // what was unfolded is looked at by the page's own scripts
    faults.push(...await page.evaluate(unreached));
  } finally {
    await context.close();
  }
  return [...new Set(faults)].map((fault) => `${file} (${name}): ${fault}`);
}

// The address of the first result of a search, without what stands behind the #, and its excerpts.
async function ask(page, address, query) {
  await page.goto(`${address}/search.html?q=${encodeURIComponent(query)}`, { waitUntil: 'load', timeout: PATIENCE });
  await page.waitForFunction(() => document.querySelector('.search-summary')?.textContent);
  return page.evaluate(() => ({
    first: document.querySelector('ul.search a')?.getAttribute('href'),
    marked: [...document.querySelectorAll('ul.search li:first-child mark')].map((one) => one.textContent).join(' ').toLowerCase(),
    excerpts: [...document.querySelectorAll('ul.search .context')].map((one) => one.textContent),
  }));
}

async function checkSearch(browser, address, queries) {
  const faults = [];
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on('console', (message) => message.type() === 'error' && faults.push(`search: console: ${message.text().slice(0, 160)}`));
  page.on('pageerror', (error) => faults.push(`search: script: ${error.message.slice(0, 160)}`));
  for (const query of queries) {
    const { first, marked, excerpts } = await ask(page, address, query);
    if (first !== SEARCHES[query]) faults.push(`search: ${query} finds ${first} first, not ${SEARCHES[query]}`);
    if (QUOTES[query] && !marked.includes(QUOTES[query])) faults.push(`search: ${query} marks "${marked}" in ${excerpts[0]?.slice(0, 80)}`);
    // What belongs to the page, and not to what it says.
    const chrome = excerpts.find((one) => /Toggle|Download this page|Print to PDF|Contents \d|Skip to main|\\\(|Show code cell/.test(one));
    if (chrome) faults.push(`search: ${query} quotes ${chrome.slice(0, 80)}`);
    if (!excerpts.length) faults.push(`search: ${query} quotes nothing`);
  }
  await page.close();
  return faults;
}

async function checkFiles(browser) {
  const address = pathToFileURL(root).href; // a space in the path is %20 there
  const faults = await checkSearch(browser, address, Object.keys(SEARCHES).slice(0, 2));
  for (const file of FILES.filter((one) => fs.existsSync(path.join(root, one)))) {
    faults.push(...await check(browser, address, file, { name: 'as a file', viewport: { width: 1280, height: 900 } }));
  }
  return faults.map((fault) => `file: ${fault}`);
}

// An old address leads on, with what stands behind its #.
async function checkMoved(browser, address, files) {
  const faults = [];
  const page = await browser.newPage();
  for (const file of files) {
    await page.goto(`${address}/${file}#exercises`, { timeout: PATIENCE });
    await page.waitForFunction((old) => !location.pathname.endsWith(old), `/${file}`, { timeout: PATIENCE }).catch(() => {});
    await page.waitForLoadState('load');
    const { to, status } = await page.evaluate(async () => ({ to: location.href, status: document.querySelector('article h1')?.textContent }));
    if (to.startsWith(`${address}/${file}`) || !status) faults.push(`${file} leads to ${to}, where there is no page`);
    else if (file.includes('/') && !to.endsWith('#exercises')) faults.push(`${file} leads to ${to} and forgets what stood behind the #`);
  }
  await page.close();
  return faults;
}

async function checkMaps() {
  const files = fs.readdirSync(path.join(root, '_static'), { recursive: true }).map(String);
  return files.filter((one) => one.endsWith('.map')).map((one) => `${one} is a source map, which nobody reads here`);
}

// Begins a check for each core, and the next one when one of them ends. Told in their order.
async function sideBySide(checks, tell) {
  const found = [];
  let begun = 0;
  let told = 0;
  const work = async () => {
    while (begun < checks.length) {
      const at = begun;
      begun += 1;
      found[at] = await checks[at]();
      for (; found[told]; told += 1) tell(found[told]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(os.availableParallelism(), MOST) }, work));
}

await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const base = `http://127.0.0.1:${server.address().port}${BELOW}`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  timeout: PATIENCE,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
// The index beside the book's folder only sends its reader on.
const sendsOn = (file) => /http-equiv="?refresh/i.test(fs.readFileSync(path.join(root, file), 'utf8'));
const site = !chosen.length || chosen.includes('site');
const pages = chosen.length ? chosen.filter((one) => one !== 'site') : pagesIn(root).filter((file) => !sendsOn(file));
const checks = pages.flatMap((file) => MODES.map((mode) => () => check(browser, base, file, mode)));
if (site) {
  checks.push(
    () => checkSearch(browser, base, Object.keys(SEARCHES)),
    () => checkMoved(browser, base, pagesIn(root).filter(sendsOn)),
    () => checkFiles(browser),
    () => checkMaps(),
    () => checkWalk(browser),
  );
}
let passed = 0;
let failed = 0;
await sideBySide(checks, (faults) => {
  faults.forEach((fault) => console.log(fault));
  if (faults.length) failed += 1;
  else passed += 1;
});
await browser.close();
server.close();
console.log(`browser: ${pages.length} pages, each wide, dark and narrow, in print and by keyboard`);
if (site) console.log(`${Object.keys(SEARCHES).length} searches, old addresses, pages as files, faults planted for the walk by keyboard`);
for (const [name, { formula, code }] of Object.entries(scrolling)) {
  console.log(`${name}: ${formula} formulas and ${code} boxes of code scroll sideways`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
