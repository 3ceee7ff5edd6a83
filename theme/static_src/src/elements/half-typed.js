// A day typed in part, or one that does not exist, is nothing to whoever reads the field: sent, it would come back empty.
// So the browser says at the field what is wrong with it, and the form stays as it was typed.
document.addEventListener(
  "submit",
  (event) => {
    const field = [...event.target.elements].find((one) => one.validity?.badInput)
    if (!field) return
    event.preventDefault()
    event.stopImmediatePropagation() // before htmx hears of it
    field.reportValidity()
  },
  true,
)
