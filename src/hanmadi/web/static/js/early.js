// Before the first picture: theme and language as they were chosen, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const kept = (name) => { try { return localStorage.getItem(`hanmadi.${name}`); } catch { return null; } };
  const theme = kept("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const language = kept("language") ?? (navigator.language || "en").slice(0, 2);
  root.lang = language === "ko" ? "ko" : "en";
})();
