//go:build !race

package relay_test

// cutStreams is how many streams are cut.
const cutStreams = 10_000
