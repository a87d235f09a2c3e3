// What the theme's scripts leave to be done for the keyboard, and for links into folded parts.
(() => {
  // Folds of admonitions are called "Toggle hidden content", every one: after its title instead.
  const name = () => {
    for (const button of document.querySelectorAll('.admonition-title > .toggle-button')) {
      button.setAttribute('aria-label', button.parentElement.textContent.trim().replace(/\s+/g, ' '));
    }
    for (const button of document.querySelectorAll('button.copybtn')) button.setAttribute('aria-label', 'Copy');
    // A link in such a title leads on, and does not fold.
    for (const link of document.querySelectorAll('.admonition-title > a')) {
      link.addEventListener('click', (event) => event.stopPropagation());
    }
  };

  // Whoever follows a link into a folded part sees it open.
  const unfold = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) {
      if (part.tagName === 'DETAILS') part.open = true;
      part.classList.remove('toggle-hidden');
      part.querySelector(':scope > .admonition-title > .toggle-button')?.classList.remove('toggle-button-hidden');
    }
    target.scrollIntoView();
  };

  document.addEventListener('DOMContentLoaded', () => setTimeout(() => {
    name();
    if (location.hash) unfold();
  }));
  window.addEventListener('hashchange', unfold);
})();
