package app

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// enlargePagesAs has this test run as a program that moves its own code.
const enlargePagesAs = "GANTRY_TEST_ENLARGE_PAGES"

// TestCodeMovesUnderWhoRunsIt moves the code to large pages while other threads run it, and looks where it lies then.
func TestCodeMovesUnderWhoRunsIt(t *testing.T) {
	if os.Getenv(enlargePagesAs) != "" {
		moveCode(t)
		return
	}
	t.Parallel()
	told := asProgram(t, enlargePagesAs)
	if !strings.Contains(told, "moved: true, on large pages: true") && !strings.Contains(told, "large pages at hand: false, moved: false, on large pages: false") {
		t.Error(told)
	}
}

func moveCode(t *testing.T) {
	t.Helper()
	var all sync.WaitGroup
	done := make(chan struct{})
	want := work(t)
	for range 8 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if got := work(t); got != want {
					t.Error("work went wrong while the code was moved")
				}
			}
		})
	}
	atHand, _ := largePagesAtHand(t)
	moved := EnlargePages()
	for range 20 {
		work(t)
		runtime.GC()
	}
	close(done)
	all.Wait()
	t.Logf("large pages at hand: %t, moved: %t, on large pages: %t", atHand, moved, largeBytes(t, func(_ extent, permissions string) bool { return permissions == "r-xp" }) > 0)
}

func work(t *testing.T) string {
	t.Helper()
	lines := make([]string, 0, 50)
	for n := range 50 {
		lines = append(lines, fmt.Sprintf("%x", sha256.Sum256([]byte(strconv.Itoa(n)))))
	}
	return strings.Join(lines, "\n")
}
