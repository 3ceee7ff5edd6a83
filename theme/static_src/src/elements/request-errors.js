// A request that got no answer, or one that no page of ours wrote (a proxy's error page): a lasting notice, and the page
// stays as it is. Our own errors come as a notice already (hms/_error_notice.html).
const stack = () => document.getElementById("toasts")

document.addEventListener("htmx:error", (event) => {
  const { ctx } = event.detail
  if (!ctx?.request || ctx.sourceElement?.matches("live-stream")) return
  if (ctx.request.headers["X-Background"]) return // the page asked by itself; the live state says enough
  const text = ctx.response ? stack()?.dataset.broken : stack()?.dataset.unreachable
  if (text) stack().say(text, "error")
})

document.addEventListener("htmx:before:swap", (event) => {
  const { ctx, tasks } = event.detail
  const status = ctx.response?.status ?? 200
  if (status < 500 || tasks.some((task) => task.type === "partial")) return
  event.preventDefault()
  if (!ctx.request.headers["X-Background"]) stack()?.say(stack().dataset.broken, "error")
})
