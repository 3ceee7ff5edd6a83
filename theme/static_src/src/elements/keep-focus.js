// A button that is pressed in a section of the consultation goes away with the answer, which takes the section's place.
// Where the answer says of no field that it comes next, the keyboard goes on at the section, not at the page's top.
const lost = new WeakSet()

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.matches?.("section[id]") && ctx.target.contains(document.activeElement)) lost.add(ctx)
})

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (!lost.delete(ctx) || document.activeElement !== document.body) return
  const section = document.getElementById(ctx.target.id)
  if (!section) return
  section.tabIndex = -1
  section.focus({ preventScroll: true })
})
