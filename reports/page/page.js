// Search, filters, copy buttons, opening of link targets. The page says all it has to say without.
(() => {
  'use strict';
  const form = document.getElementById('filter');
  const lists = [...document.querySelectorAll('.list')].map((list) => ({
    noun: list.dataset.noun,
    groups: [...list.querySelectorAll('.group')].map((group) => ({
      node: group,
      items: [...group.querySelectorAll('.item')],
    })),
  }));

  // "one-shot", "one_shot" and "oneshot" are the same word.
  const plain = (text) => text.toLowerCase().replace(/[-_\u00ad\u2010\u2011]/g, '');
  // Text of an item, made once when first searched for. A test is found by what its clauses
  // require, too.
  const texts = new WeakMap();
  const textOf = (item) => {
    let text = texts.get(item);
    if (text === undefined) {
      const clauses = [...item.querySelectorAll('a[href^="#c-"]')].map((link) =>
        document.getElementById(link.getAttribute('href').slice(1))?.querySelector('p')?.textContent);
      text = plain([item.textContent, ...clauses].join(' '));
      texts.set(item, text);
    }
    return text;
  };

  const matches = (item, words, want) => {
    const data = item.dataset;
    if (want.result && data.r !== want.result && !(data.rs || '').split(' ').includes(want.result)) return false;
    if (want.interface && data.i !== want.interface) return false;
    if (want.kind && data.k !== want.kind) return false;
    if (want.confidence && (data.c || 'certain') !== want.confidence) return false;
    if (want.show === 'differences' && !('d' in data)) return false;
    if (words.length === 0) return true;
    const text = textOf(item);
    return words.every((word) => text.includes(word));
  };

  // Groups open when a filter is set and close with the last one; in between they stay as they are.
  let filtered = false;
  const apply = () => {
    const want = Object.fromEntries(new FormData(form));
    const words = plain(want.q || '').split(/\s+/).filter(Boolean);
    const active = Object.values(want).some(Boolean);
    const shown = lists.map((list) => {
      let visible = 0;
      let all = 0;
      for (const group of list.groups) {
        let here = 0;
        for (const item of group.items) {
          const fits = matches(item, words, want);
          item.classList.toggle('hidden', !fits);
          if (fits) here += 1;
        }
        group.node.classList.toggle('hidden', here === 0);
        if (active !== filtered) group.node.open = active;
        visible += here;
        all += group.items.length;
      }
      return `${visible} of ${all} ${list.noun}`;
    });
    filtered = active;
    form.elements.shown.value = `Shown: ${shown.join(', ')}`;
  };

  // "#filter?result=FAIL&q=send" sets the filters; any other hash is opened and scrolled to.
  const follow = () => {
    const hash = decodeURIComponent(location.hash.slice(1));
    if (form && hash.startsWith('filter')) {
      const wanted = new URLSearchParams(hash.slice(hash.indexOf('?') + 1));
      form.reset();
      for (const [name, value] of wanted) {
        const field = form.elements[name];
        if (field && 'value' in field) field.value = value;
      }
      apply();
      form.scrollIntoView();
      return;
    }
    const target = hash && document.getElementById(hash);
    if (!target) return;
    const hidden = target.closest('.item.hidden');
    if (hidden) {
      form.reset();
      apply();
    }
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === 'DETAILS') node.open = true;
    }
    const item = target.closest('.item');
    const show = () => (item || target).scrollIntoView({block: item ? 'center' : 'start'});
    show();
    requestAnimationFrame(show);  // what was opened has been laid out by then
    if (item) item.querySelector('summary').focus({preventScroll: true});
  };

  if (form && lists.length > 0) {
    form.hidden = false;
    form.addEventListener('input', apply);
    form.addEventListener('submit', (event) => event.preventDefault());
    form.addEventListener('reset', () => setTimeout(apply));
    apply();
  }

  for (const box of document.querySelectorAll('.copy')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Copy';
    button.setAttribute('aria-label', 'Copy the command');
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(box.querySelector('code').textContent);
        button.textContent = 'Copied';
      } catch {
        getSelection().selectAllChildren(box.querySelector('code'));
        button.textContent = 'Selected';
      }
      setTimeout(() => { button.textContent = 'Copy'; }, 1500);
    });
    box.append(button);
  }

  // "/" searches, "n" and "p" step through the findings, Escape clears the filters.
  const findings = [...document.querySelectorAll('.finding')];
  let at = -1;
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches('input, select, textarea');
    if (event.key === 'Escape' && form && typing) {
      form.reset();
      event.target.blur();
    }
    if (typing) return;
    if (event.key === '/' && form && !form.hidden) {
      event.preventDefault();
      form.elements.q.focus();
      form.scrollIntoView();
    }
    if ((event.key === 'n' || event.key === 'p') && findings.length > 0) {
      at = (at + (event.key === 'n' ? 1 : -1) + findings.length) % findings.length;
      findings[at].focus();
      findings[at].scrollIntoView({block: 'start'});
    }
  });

  addEventListener('beforeprint', () => {
    for (const group of document.querySelectorAll('.group')) group.open = true;
    for (const item of document.querySelectorAll('.item:is([data-r=FAIL],[data-r=XPASS],[data-r=FLAKY],[data-r=UNRESOLVED])')) item.open = true;
  });
  addEventListener('hashchange', follow);
  if (location.hash) follow();
})();
