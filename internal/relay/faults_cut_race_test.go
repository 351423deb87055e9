//go:build race

package relay_test

// cutStreams is how many streams are cut; the race detector makes each five times as dear.
const cutStreams = 2_500
