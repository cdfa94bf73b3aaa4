// Everything works without this; it keeps what is live fresh and asks before what cannot be taken back.
for (const back of document.querySelectorAll('[data-back]')) {
  if (history.length > 1) {
    back.addEventListener('click', (event) => {
      event.preventDefault();
      history.back();
    });
  }
}
for (const form of document.querySelectorAll('form[data-confirm]')) {
  form.addEventListener('submit', (event) => {
    if (!confirm(form.dataset.confirm)) event.preventDefault();
  });
}
for (const part of document.querySelectorAll('[data-live]')) {
  const refresh = async () => {
    try {
      const answer = await fetch(part.dataset.live, { redirect: 'error' });
      if (answer.ok && !document.hidden) part.innerHTML = await answer.text();
    } catch {
      // The page keeps what it shows; the next turn tries again.
    }
  };
  setInterval(refresh, 1000 * Number(part.dataset.every || 20));
}
