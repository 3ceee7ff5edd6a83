// Everything that pages need: htmx with its event streams, and our custom elements.
import "htmx.org/dist/htmx.esm.js"
import "htmx.org/dist/ext/hx-sse.js" // expects the global htmx that the line above sets
import "./elements/error-summary.js"
import "./elements/request-errors.js"
import "./elements/session-watch.js"
import "./elements/theme-toggle.js"
import "./elements/toast-stack.js"
import "./elements/command-palette.js"
import "./elements/day-board.js"
import "./elements/day-tools.js"
import "./elements/live-stream.js"
import "./elements/patient-picker.js";
