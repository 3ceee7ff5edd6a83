// The pages with charts load this besides app.js. A chart reads its numbers from a table on the same page.
import "./elements/charts.js"
