// What makes the pages handier; without it they do the same.

/** Puts a button beside a text that is there to be copied. */
function copyButton(area) {
  if (!navigator.clipboard) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'plain copy-button';
  button.textContent = area.dataset.copy;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(area.value);
    button.textContent = area.dataset.copied;
    setTimeout(() => { button.textContent = area.dataset.copy; }, 2000);
  });
  area.after(button);
}
for (const area of document.querySelectorAll('textarea.copy')) {
  copyButton(area);
  area.addEventListener('focus', () => area.select());
}

/** Shows the evidence that a link leads to, inside the text, which has a scroll bar of its own. */
for (const link of document.querySelectorAll('a.to-evidence')) {
  link.addEventListener('click', () => {
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    for (const mark of document.querySelectorAll('mark.here')) mark.classList.remove('here');
    target?.classList.add('here');
  });
}
