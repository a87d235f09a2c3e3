// What the search page finds, and in which order: the pages whose prose says most of what was
// asked (BM25 over titles, headings and text, see search_text.py), each with the place that
// says it; then the API's names; then pages that hold the words in their code alone.
// Letters without their accents find those with them: "lan truyen nguoc" finds "lan truyền ngược".
(() => {
  if (typeof Search === 'undefined' || typeof SEARCH_TEXT === 'undefined') return;
  const WEIGHT = { title: 8, words: 8, heading: 3, text: 1 }; // how often a word there counts
  const SATURATION = 3; // this many words of a page's text count half of all
  const LENGTH = 0.6; // how much a long page must say more, 0 for not at all
  const PHRASE = 2; // all the words side by side count as another word, with this weight
  const EXCERPT = 220; // letters
  const NAMES = 12; // of the API, at most

  const fold = (text) => text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '').replaceAll('đ', 'd');
  const stemmer = new Stemmer();
  const stem = (word) => stemmer.stemWord(word);
  // "back-propagation" is found as "backpropagation" too.
  const split = (folded) => [
    ...folded.match(/[\p{L}\p{N}_]+/gu) ?? [],
    ...(folded.match(/\p{L}+-\p{L}+/gu) ?? []).map((word) => word.replace('-', '')),
  ];
  const stems = (folded) => split(folded).map(stem);

  const pages = Object.entries(SEARCH_TEXT).map(([name, { title, words, sections }]) => {
    const fields = { title: [title], words: [words], heading: [], text: [] };
    for (const [, heading, text] of sections) {
      if (!title.endsWith(heading)) fields.heading.push(heading);
      fields.text.push(text);
    }
    const counts = new Map();
    const folded = {};
    let length = 0;
    for (const [field, texts] of Object.entries(fields)) {
      folded[field] = fold(texts.join(' \n '));
      const found = stems(folded[field]);
      for (const word of found) counts.set(word, (counts.get(word) ?? 0) + WEIGHT[field]);
      if (field === 'text') length = found.length;
    }
    return { name, title, sections, counts, folded, length };
  });
  const usual = pages.reduce((sum, { length }) => sum + length, 0) / pages.length;

  const occurrences = (text, phrase) => text.split(phrase).length - 1;
  const side = (page, phrase) => Object.entries(page.folded)
    .reduce((sum, [field, text]) => sum + WEIGHT[field] * occurrences(text, phrase), 0);
  const count = (page, word) => page.counts.get(word) ?? 0;
  const beginning = (word) => (page) => {
    let sum = 0;
    for (const [other, times] of page.counts) if (other.startsWith(word)) sum += times;
    return sum / 2;
  };
  // One term's part of every page's score.
  const part = (of, weight = 1) => {
    const times = pages.map(of);
    const having = times.filter((n) => n > 0).length;
    const rare = Math.log(1 + (pages.length - having + 0.5) / (having + 0.5));
    return times.map((n, i) => {
      const norm = 1 - LENGTH + LENGTH * pages[i].length / usual;
      return n && weight * rare * n / (n + SATURATION * norm);
    });
  };

  const rank = (query) => {
    const asked = fold(query.trim().replace(/\s+/g, ' '));
    const said = [...new Set(split(asked))];
    const kept = said.filter((word) => !stopwords.includes(word));
    const words = [...new Set((kept.length ? kept : said).map(stem))];
    if (!words.length) return { found: [], words };
    const parts = words.map((word) => {
      const exact = (page) => count(page, word);
      const some = pages.some((page) => exact(page) > 0);
      return part(some || word.length < 3 ? exact : beginning(word));
    });
    const phrase = asked !== words[0] && asked.length > 2 ? part((page) => side(page, asked), PHRASE) : pages.map(() => 0);
    const all = pages.map((page, i) => ({
      page,
      met: parts.filter((one) => one[i] > 0).length,
      score: parts.reduce((sum, one) => sum + one[i], phrase[i]),
    })).filter(({ met }) => met > 0);
    const most = Math.max(0, ...all.map(({ met }) => met));
    return { words, asked, found: all.filter(({ met }) => met === most).sort((a, b) => b.score - a.score) };
  };

  // The section of a page that meets most of the words, and the letters around the first of them.
  const excerpt = (page, words, asked) => {
    let best = null;
    for (const [id, heading, text] of page.sections) {
      const inText = new Set(stems(fold(text)));
      const inHeading = new Set(stems(fold(heading)));
      const value = words.filter((word) => inText.has(word)).length
        + 0.6 * words.filter((word) => inHeading.has(word)).length
        + (asked.includes(' ') && fold(text).includes(asked) ? 1 : 0);
      if (value > (best?.value ?? 0)) best = { id, heading, text, value };
    }
    if (!best) {
      const [id, heading, text] = page.sections.find(([, , one]) => one) ?? [];
      if (!text) return null;
      best = { id, heading, text };
    }
    // Folding keeps the number of letters but for accents that stand alone, so places are near enough.
    const folded = fold(best.text.normalize('NFC'));
    const whole = folded.indexOf(asked);
    const places = [...folded.matchAll(/[\p{L}\p{N}_]+/gu)].filter(([word]) => words.includes(stem(word))).map(({ index }) => index);
    const at = whole >= 0 ? whole : places[0] ?? 0;
    const from = at > 80 ? best.text.indexOf(' ', at - 80) + 1 : 0;
    const until = best.text.length > from + EXCERPT ? best.text.lastIndexOf(' ', from + EXCERPT) : best.text.length;
    const quoted = `${from ? '… ' : ''}${best.text.slice(from, until)}${until < best.text.length ? ' …' : ''}`;
    return { ...best, quoted: quoted.replace(/(?:… ?){2,}/g, '… ') };
  };

  // The words that were met, marked.
  const marked = (text, words) => text.split(/([\p{L}\p{M}\p{N}_]+)/u).map((one, i) => {
    if (i % 2 === 0 || !words.includes(stem(fold(one)))) return document.createTextNode(one);
    const mark = document.createElement('mark');
    mark.textContent = one;
    return mark;
  });
  const link = (href, text) => Object.assign(document.createElement('a'), { href, textContent: text });
  const suffix = DOCUMENTATION_OPTIONS.LINK_SUFFIX;
  const item = (page, words, asked) => {
    const one = document.createElement('li');
    one.append(link(page.name + suffix, page.title));
    const place = excerpt(page, words, asked);
    if (place) {
      const quoted = document.createElement('p');
      quoted.className = 'context';
      quoted.append(link(`${page.name}${suffix}#${place.id}`, place.heading), ': ', ...marked(place.quoted, words));
      one.append(quoted);
    }
    return one;
  };
  const plain = ([name, title, anchor, description]) => {
    const one = document.createElement('li');
    one.append(link(name + suffix + anchor, title), description ? ` (${description})` : '');
    return one;
  };

  Search.query = (query) => {
    const [, terms, excluded, , objects] = Search._parseQuery(query);
    const { found, words, asked } = rank(query);
    const shown = new Set(found.map(({ page }) => page.name));
    const names = [...objects].flatMap((one) => Search.performObjectSearch(one, objects))
      .sort((a, b) => b[4] - a[4]).slice(0, NAMES).map(plain);
    const inCode = Search.performTermsSearch(terms, excluded)
      .filter(([name]) => !shown.has(name)).map(plain);
    const inProse = found.map(({ page }) => item(page, words, asked));
    // Who types an underscore or a dot asks for a name.
    const all = /\w[_.]\w/.test(query) ? [...names, ...inProse, ...inCode] : [...inProse, ...names, ...inCode];
    Search.output.append(...all);
    Search.stopPulse();
    Search.title.textContent = 'Search results';
    Search.status.textContent = all.length ? `${found.length} pages, ${names.length} names of the API, ${inCode.length} more pages in their code` : 'Nothing was found. Are all words spelled correctly?';
  };
})();
