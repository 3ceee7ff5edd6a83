// Runs before the first paint: the theme that this person chose, if they chose one.
try {
  const theme = localStorage.getItem("hms-theme")
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = `hms-${theme}`
} catch {
  // Storage is closed to us: follow the system.
}
