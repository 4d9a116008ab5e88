// Package screen writes to a terminal only what has changed. It stands between Bubble
// Tea, which sends whole lines, and the terminal: it keeps a grid of cells of what the
// terminal shows, compares it with the newest frame and sends the difference, with
// scrolling where that is cheaper. On a slow line it drops frames in the middle, so
// that what arrives is recent.
package screen
