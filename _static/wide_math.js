// An inline formula wider than its column gets a box in which it scrolls. Only such a formula: a
// box does not stand on the line's baseline as letters do. And whatever scrolls sideways, formulas,
// tables, code, is a stop of the Tab key and says what it is; what fits is neither. On paper it is
// made to fit.
(() => {
  const BOXES = ['div.math', 'span.math.wide', '.pst-scrollable-table-container', '.output', 'pre'];
  const called = (box) => {
    if (box.matches('.math')) return 'A formula';
    if (box.matches('.pst-scrollable-table-container') || box.querySelector('table')) return 'A table';
    return box.matches('.output') || box.closest('.output') ? 'Output' : 'Code';
  };
  const scrolls = (box) => box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(box).overflowX);
  const mark = () => {
    for (const formula of document.querySelectorAll('span.math')) {
      formula.classList.remove('wide');
      const drawn = formula.querySelector('mjx-container');
      const column = formula.closest('p, li, td, th, dd, dt, h1, h2, h3, h4, figcaption, div');
      if (drawn && column && drawn.getBoundingClientRect().width > column.clientWidth) {
        formula.classList.add('wide');
      }
    }
    for (const box of document.querySelectorAll(`article :is(${BOXES})`)) {
      if (scrolls(box)) {
        box.tabIndex = 0;
        box.setAttribute('role', 'group');
        box.setAttribute('aria-label', `${called(box)}, scrolls sideways`);
      } else {
        for (const one of ['tabindex', 'role', 'aria-label']) box.removeAttribute(one);
      }
    }
  };
  // On paper nothing scrolls, so what is wider than the sheet is made smaller, as a whole.
  const SHEET = 620; // of A4 between margins and padding, at the screen's 96 dots an inch
  const shrunk = [];
  window.addEventListener('beforeprint', () => {
    for (const one of document.querySelectorAll('article :is(table, mjx-container > svg)')) {
      const { width } = one.getBoundingClientRect();
      if (width > SHEET && !one.parentElement.closest('table')) {
        one.style.zoom = SHEET / width;
        shrunk.push(one);
      }
    }
  });
  window.addEventListener('afterprint', () => {
    for (const one of shrunk.splice(0)) one.style.zoom = '';
  });
  window.addEventListener('load', () => {
    (window.MathJax?.startup?.promise ?? Promise.resolve()).then(() => {
      // The article grows when a folded part is opened, whose formulas had no width before.
      new ResizeObserver(mark).observe(document.querySelector('article') ?? document.body);
    });
    window.addEventListener('resize', mark);
  });
})();
