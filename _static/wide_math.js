// An inline formula wider than its column gets a box in which it scrolls. Only such a formula: a
// box does not stand on the line's baseline as letters do.
(() => {
  const mark = () => {
    for (const formula of document.querySelectorAll('span.math')) {
      formula.classList.remove('wide');
      const drawn = formula.querySelector('mjx-container');
      const column = formula.closest('p, li, td, th, dd, dt, h1, h2, h3, h4, figcaption, div');
      if (drawn && column && drawn.getBoundingClientRect().width > column.clientWidth) {
        formula.classList.add('wide');
      }
    }
  };
  window.addEventListener('load', () => {
    window.MathJax?.startup?.promise.then(() => {
      // The article grows when a folded part is opened, whose formulas had no width before.
      new ResizeObserver(mark).observe(document.querySelector('article') ?? document.body);
    });
    window.addEventListener('resize', mark);
  });
})();
