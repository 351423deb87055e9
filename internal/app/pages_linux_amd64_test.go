package app_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gantry-ai/gantry/internal/app"
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
	program := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	program.Env = append(os.Environ(), enlargePagesAs+"=1", "GOMAXPROCS=4")
	out, err := program.Output()
	if err != nil {
		t.Fatal(err, string(out))
	}
	if told := string(out); !strings.Contains(told, "moved: true, on large pages: true") && !strings.Contains(told, "moved: false, on large pages: false") {
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
	moved := app.EnlargePages()
	for range 20 {
		work(t)
		runtime.GC()
	}
	close(done)
	all.Wait()
	t.Logf("moved: %t, on large pages: %t", moved, codeIsLarge(t))
}

func work(t *testing.T) string {
	t.Helper()
	lines := make([]string, 0, 50)
	for n := range 50 {
		lines = append(lines, fmt.Sprintf("%x", sha256.Sum256([]byte(strconv.Itoa(n)))))
	}
	return strings.Join(lines, "\n")
}

// codeIsLarge reports whether a part of the process may be run and lies on large pages.
func codeIsLarge(t *testing.T) bool {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	code := false // what comes next is of a part that may be run
	for line := range strings.Lines(string(smaps)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) > 1 && strings.Contains(fields[0], "-"):
			code = fields[1] == "r-xp"
		case code && fields[0] == "AnonHugePages:" && fields[1] != "0":
			return true
		}
	}
	return false
}
