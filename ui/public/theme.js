// Runs before the first paint, so that the page never flashes in the other theme.
try {
  const theme = localStorage.getItem("everytoken.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // No storage (private window): the system's theme it is.
}
